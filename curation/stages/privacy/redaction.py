"""Finding what is private in a text, and putting typed placeholders in its place."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from curation.stages.privacy.accounts import licence_plate, qq, wechat
from curation.stages.privacy.address import address
from curation.stages.privacy.cards import bank_card, id_card, passport
from curation.stages.privacy.folding import fold
from curation.stages.privacy.network import email, ip
from curation.stages.privacy.phones import landline, mobile
from curation.stages.privacy.secrets import api_key, jwt, private_key

Finder = Callable[[str], Iterator[tuple[int, int]]]

#: Kind → finder over folded text. Where two find the same characters the earlier has them.
FINDERS: dict[str, Finder] = {
    "private_key": private_key,
    "jwt": jwt,
    "api_key": api_key,
    "email": email,
    "ip": ip,
    "id_card": id_card,
    "bank_card": bank_card,
    "passport": passport,
    "qq": qq,
    "mobile": mobile,
    "landline": landline,
    "wechat": wechat,
    "licence_plate": licence_plate,
    "address": address,
}

#: Kind → what stands for it. Reads on in Chinese, is found by a program, and matches no finder.
PLACEHOLDERS: dict[str, str] = {
    "private_key": "[私钥]",
    "jwt": "[令牌]",
    "api_key": "[密钥]",
    "email": "[邮箱]",
    "ip": "[IP地址]",
    "id_card": "[身份证号]",
    "bank_card": "[银行卡号]",
    "passport": "[护照号]",
    "qq": "[QQ号]",
    "mobile": "[手机号]",
    "landline": "[电话号码]",
    "wechat": "[微信号]",
    "licence_plate": "[车牌号]",
    "address": "[地址]",
}


#: Without one of these no finder finds anything; so a text that is all placeholders is done.
_ANY = re.compile(
    r"[\d@]|[A-Za-z][A-Za-z_-]{5}|(?i:(?<![a-z])at(?![a-z]))|[零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖]{11}"
)

#: Two do for what people write; a bound, so that no made-up chain costs more than its length.
_ROUNDS = 16


class Finding(NamedTuple):
    """Characters `start` to `end` of a text, and what kind of private data they are."""

    start: int
    end: int
    kind: str


def find(text: str, kinds: list[str]) -> list[Finding]:
    """What of `kinds` is in `text`, in order, disjoint."""
    folded = fold(text, PLACEHOLDERS.values())
    if not _ANY.search(folded):
        return []
    taken = bytearray(len(text))
    found: list[Finding] = []
    for kind in (kind for kind in FINDERS if kind in kinds):
        for start, end in FINDERS[kind](folded):
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                found.append(Finding(start, end, kind))
    return sorted(found)


def redact(text: str, kinds: list[str]) -> tuple[str, Counter[str]]:
    """`text` with placeholders for what of `kinds` is in it, and how many there are by kind.

    Repeated until nothing is found, so that redacting twice is redacting once: a placeholder may
    free what stood beside it.
    """
    counts: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        if not (findings := find(text, kinds)):
            break
        counts.update(finding.kind for finding in findings)
        text = _replace(text, findings)
    return text, counts


def _replace(text: str, findings: list[Finding]) -> str:
    parts, position = [], 0
    for finding in findings:
        parts += [text[position : finding.start], PLACEHOLDERS[finding.kind]]
        position = finding.end
    return "".join([*parts, text[position:]])
