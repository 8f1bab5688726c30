"""Made-up private values, from a seed.

Written from the definitions, not from the patterns: GB 11643 and ISO 7064 (identity numbers), the
numbering plan of the MIIT, ISO/IEC 7812 (cards), GA 36 (plates), RFC 5322 and 4291. Nothing here is
anybody's: the digits are random.
"""

import ipaddress
import string
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

Make = Callable[[Random], str]

DIGITS = string.digits
AREAS = "010 020 021 022 023 024 025 027 028 029 0311 0351 0371 0411 0431 0451 0512 0531 0532 0551"
AREAS += " 0571 0574 0591 0592 0731 0755 0757 0769 0771 0791 0851 0871 0898 0931 0951 0971 0991"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
COUNTIES = (
    "110101 120103 310115 320106 330102 420111 440305 500112 510107 610113 650102 350203 210202"
)


def digits(random: Random, n: int, first: str = DIGITS) -> str:
    return random.choice(first) + "".join(random.choices(DIGITS, k=n - 1))


def grouped(number: str, sizes: tuple[int, ...], separator: str) -> str:
    parts, position = [], 0
    for size in sizes:
        parts.append(number[position : position + size])
        position += size
    return separator.join([*parts, number[position:]] if position < len(number) else parts)


def mobile(random: Random) -> str:
    number = "1" + random.choice("3456789") + digits(random, 9)
    sizes = random.choice(((11,), (11,), (11,), (3, 4, 4), (3, 4, 4), (3, 8), (7, 4), (4, 3, 4)))
    separator = random.choice("-- -·－—.　 " if sizes == (3, 4, 4) else "-- -－—　 ")
    countries = ("", "", "", "", "+86", "+86 ", "+86-", "0086", "86-", "(+86)", "（+86）")
    return random.choice(countries) + grouped(number, sizes, separator)


def landline(random: Random) -> str:
    area = random.choice(AREAS.split())
    local = digits(random, 8 if len(area) == 3 else random.choice((7, 8)), "2345678")
    if random.random() < 0.15:
        local = f"{local[:-4]}{random.choice('- ')}{local[-4:]}"
    forms = (
        f"{area}-{local}",
        f"{area}－{local}",
        f"({area}){local}",
        f"（{area}）{local}",
        f"{area}{local}",
        f"{area} {local}",
        f"{area}—{local}",
        f"+86-{area[1:]}-{local}",
        f"({area}) {local}",
    )
    extension = random.choice(("", "", "", "", "转{}", "-{}", "转分机{}", " ext.{}"))
    return random.choice(forms) + extension.format(
        digits(random, random.choice((3, 4)), "12345678")
    )


def id_card(random: Random) -> str:
    born = date(1940, 1, 1) + timedelta(random.randrange(27_000))
    head = random.choice(COUNTIES.split()) + born.strftime("%Y%m%d") + digits(random, 3)
    remainder = 0
    for digit in head:  # ISO 7064 MOD 11-2, the recursive method
        remainder = (remainder + int(digit)) * 2 % 11
    check = (12 - remainder) % 11
    number = head + ("X" if check == 10 else str(check))
    if random.random() < 0.1:
        number = number.lower()
    return random.choice((number, number, number, grouped(number, (6, 8, 4), random.choice(" -"))))


def with_luhn(head: str) -> str:
    """`head` and its check digit: the sum of digits, every other doubled, ends on 0."""
    table = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(table[int(d)] if i % 2 == 0 else int(d) for i, d in enumerate(reversed(head)))
    return head + str(-total % 10)


def bank_card(random: Random) -> str:
    head, length = random.choice(
        (
            ("622202", 19),
            ("621700", 19),
            ("622848", 19),
            ("621661", 19),
            ("623058", 16),
            ("622588", 16),
            ("621483", 16),
            ("625", 16),
            ("628888", 16),
            ("955880", 19),
            ("4367", 16),
            ("4514", 16),
            ("5187", 16),
            ("5264", 16),
            ("356890", 16),
            ("2720", 16),
        )
    )
    number = with_luhn(head + digits(random, length - 1 - len(head)))
    return random.choice(
        (number, number, number, grouped(number, (4, 4, 4, 4), random.choice("  -－")))
    )


def email(random: Random) -> str:
    letters = "".join(random.choices(string.ascii_lowercase, k=random.randint(2, 10)))
    tail = random.choice(
        ("", digits(random, 3), "." + letters[:4], "_" + digits(random, 2), "-work", "+news")
    )
    local = random.choice(
        (letters + tail, letters + tail, digits(random, random.randint(6, 10), "123456789"))
    )
    domain = random.choice(
        (
            "qq.com",
            "163.com",
            "126.com",
            "gmail.com",
            "outlook.com",
            "sina.com.cn",
            "foxmail.com",
            "aliyun.com",
            "mail.tsinghua.edu.cn",
            "vip.qq.com",
            "yahoo.com.cn",
            "huawei.com",
            "company-mail.cn",
            "abc.org",
        )
    )
    at = random.choice(("@",) * 12 + ("＠", "(at)", "[at]", " (at) "))
    text = local + at + domain
    return text.upper() if random.random() < 0.05 and at == "@" else text


def ip(random: Random) -> str:
    while True:
        v4 = ipaddress.IPv4Address(random.getrandbits(32))
        if v4.is_global and not v4.is_multicast and int(v4) >> 24 > 10:
            break
    if random.random() < 0.75:
        return str(v4)
    groups = ["24" + format(random.getrandbits(8), "02x")]
    groups += [format(random.getrandbits(16), "x") for _ in range(7)]
    return random.choice(
        (":".join(groups), f"{groups[0]}:{groups[1]}::{groups[2]}", ":".join(groups).upper())
    )


def licence_plate(random: Random) -> str:
    place = random.choice(PROVINCES) + random.choice(PLATE_LETTERS)
    kind = random.random()
    if kind < 0.2:
        serial = random.choice("DF") + random.choice(PLATE_LETTERS + DIGITS) + digits(random, 4)
    elif kind < 0.25:
        serial = digits(random, 5) + random.choice("DF")
    elif kind < 0.3:
        serial = digits(random, 4) + random.choice("学警挂")
    else:
        signs = list(digits(random, 5))
        for i in random.sample(range(5), random.randint(0, 2)):
            signs[i] = random.choice(PLATE_LETTERS)
        serial = "".join(signs)
    return place + random.choice(("", "", "·", "•", "-", " ")) + serial


def passport(random: Random) -> str:
    if random.random() < 0.3:
        return "E" + random.choice(PLATE_LETTERS) + digits(random, 7)
    return random.choice("EEEGDSPH") + digits(random, 8)


def qq(random: Random) -> str:
    return digits(random, random.randint(5, 10), "123456789")


def wechat(random: Random) -> str:
    head = random.choice(string.ascii_letters) + "".join(
        random.choices(string.ascii_lowercase, k=4)
    )
    rest = "".join(random.choices(string.ascii_lowercase + DIGITS + "_-", k=random.randint(1, 12)))
    return (
        "wxid_" + digits(random, 8) + "k22"
        if random.random() < 0.1
        else head + rest.rstrip("_-") + "7"
    )


def token(random: Random, n: int, alphabet: str = string.ascii_letters + DIGITS) -> str:
    return "".join(random.choices(alphabet, k=n - 1)) + "7"


def api_key(random: Random) -> str:
    return random.choice(
        (
            "sk-" + token(random, 48),
            "sk-proj-" + token(random, 60),
            "sk-ant-api03-" + token(random, 80),
            "AKIA" + token(random, 16, string.ascii_uppercase + DIGITS),
            "AIza" + token(random, 35),
            "ghp_" + token(random, 36),
            "github_pat_" + token(random, 22) + "_" + token(random, 59),
            "xoxb-" + digits(random, 12) + "-" + token(random, 24),
            "hf_" + token(random, 34),
            "glpat-" + token(random, 20),
            "LTAI5t" + token(random, 18),
            "AKID" + token(random, 32),
            "sk_live_" + token(random, 24),
            "sk-" + token(random, 32, "0123456789abcdef"),
        )
    )


def jwt(random: Random) -> str:
    parts = (
        token(random, random.randint(20, 40)),
        token(random, random.randint(30, 90)),
        token(random, 43),
    )
    return f"eyJ{parts[0]}.eyJ{parts[1]}.{parts[2]}"


def private_key(random: Random) -> str:
    name = random.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
    lines = "\n".join(token(random, 64) for _ in range(random.randint(3, 12)))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----"
