"""Numbers of identity documents and bank cards: those with a check digit, and passports."""

import re
from collections.abc import Iterator
from datetime import date

from curation.stages.privacy import context, tables
from curation.stages.privacy.folding import hide_links

Span = tuple[int, int]

# GB/T 2260 province codes; 81 to 83 residents from Hong Kong, Macau, Taiwan; 9 foreign residents.
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-5])"
_BOUNDED = r"(?<![A-Za-z0-9_.+-])"
_END = r"(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"
_ID = re.compile(
    rf"""{_BOUNDED}{_PROVINCE}\d[ -]?\d{{3}}[ -]?
    (?:19|20)\d\d[ -]?(?:0[1-9]|1[0-2])[ -]?(?:0[1-9]|[12]\d|3[01])[ -]?\d{{3}}[ -]?[\dXx]{_END}""",
    re.VERBOSE,
)
_OLD_ID = re.compile(
    rf"{_BOUNDED}{_PROVINCE}\d{{4}}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}{_END}"
)
_ID_CUE = re.compile(r"身份证|身分证|证件号|居民证|(?i:id[ _]?card|identity)")

# ISO/IEC 7812 issuers: UnionPay (62; before it 60, 9558, and 19 digits of BOC and CCB), Visa,
# Mastercard, Amex, JCB, Discover.
_ISSUER = re.compile(
    r"""62\d{14,17} | 9558\d{12,15} | 60(?:1382|1428|5848|5710)\d{10,13} | 4\d{15}
    | (?:456351|436742|433670)\d{13}
    | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12} | 3[47]\d{13}
    | 35(?:2[89]|[3-8]\d)\d{12} | 6(?:011|4[4-9]\d|5\d\d)\d{12}""",
    re.VERBOSE,
)
#: In one piece, or in groups: of four, the last shorter or longer; 4-6-5; 6 and the rest.
_CARD = re.compile(
    rf"""{_BOUNDED}[2-69]\d{{3}}(?:\d{{11,15}} | \d\d[ -]\d{{9,13}} | (?P<mark>[ .-])(?:
      \d{{4}}(?P=mark)\d{{4}}(?P=mark)\d{{4}}(?:(?P=mark)\d{{1,3}}(?!\d)|\d{{1,3}})?
    | \d{{6}}(?P=mark)\d{{5}})){_END}""",
    re.VERBOSE,
)
_CARD_CUE = re.compile(
    r"银行|储蓄卡|信用卡|借记卡|卡号|工资卡|账号|帐号|账户"
    r"|汇款|转账|打款|收款|工行|建行|农行|中行|交行|招行"
    r"|(?i:card|visa|master|account)"
)

_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9_-])(?:[A-Za-z][A-Za-z]?\d{7,8}|1[45]\d{7})(?![A-Za-z0-9_]|[.-]\d)"
)
#: With a blank after the letter only right after the word.
_SPACED_PASSPORT = re.compile(
    r"(?i:护照|護照|通行证|passport)(?:号码|号|(?i:no\.?|number)|[是为:=( \"']){0,5}"
    r"(?P<id>[A-Za-z]{1,2} \d{7,8})(?![A-Za-z0-9_]|[.-]\d)"
)
_PASSPORT_CELL = re.compile(r"[A-Za-z]{1,2} ?\d{7,8}|1[45]\d{7}")
_PASSPORT_HEADING = tables.heading("护照|護照|通行证|passport(?: ?no.?| number)?")
_PASSPORT_CUE = re.compile(r"护照|護照|通行证|通行證|回乡证|台胞证|(?i:passport)")
_PASSPORT_OTHER = re.compile(r"(?:订单|航班|编|单|型|批|序列)[号码]?[是为: ]{0,2}\Z")


def id_card(folded: str) -> Iterator[Span]:
    """Resident identity numbers (GB 11643): 18 with valid check digit and date; 15 after a cue."""
    text = hide_links(folded)
    for match in _ID.finditer(text):
        digits = _digits(match[0])
        cued = _ID_CUE.search(context.before(text, match.start()))
        if _is_id(digits) and (cued or not context.is_other(text, match.start())):
            yield match.span()
    for match in _OLD_ID.finditer(text):
        cued = _ID_CUE.search(context.before(text, match.start()))
        if cued and _is_date("19" + match[0][6:12]):
            yield match.span()


def bank_card(folded: str) -> Iterator[Span]:
    """Bank cards: the Luhn check digit, and the issuer's first digits and length or a cue word.

    One number in ten passes Luhn by chance, so that alone proves nothing.
    """
    text = hide_links(folded)
    for match in _CARD.finditer(text):
        digits = _digits(match[0])
        cue = _CARD_CUE.search(context.before(text, match.start()))
        known = _ISSUER.fullmatch(digits) or (cue and 16 <= len(digits) <= 19)
        if known and luhn(digits) and not _is_counted(text, match, bool(cue)):
            yield match.span()


def passport(folded: str) -> Iterator[Span]:
    """Passports and travel permits: a letter or two and digits, near the word."""
    for match in _PASSPORT.finditer(folded):
        lead = context.before(folded, match.start(), 24)
        near = lead + HORIZON + context.after(folded, match.end(), 10)
        if _PASSPORT_CUE.search(near) and not _PASSPORT_OTHER.search(lead):
            yield match.span()
    yield from (match.span("id") for match in _SPACED_PASSPORT.finditer(folded))
    for start, end in tables.column(folded, _PASSPORT_HEADING):
        if _PASSPORT_CELL.fullmatch(folded, start, end):
            yield start, end


#: Keeps a cue from being made of what stands before and what stands after.
HORIZON = "\n"


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: doubling every second digit from the right, the sum ends on 0."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def check_character(digits: str) -> str:
    """The 18th character to 17 digits: ISO 7064 MOD 11-2, as GB 11643 has it."""
    weighted = sum(int(digit) * pow(2, 17 - i, 11) for i, digit in enumerate(digits))
    return "10X98765432"[weighted % 11]


def _is_id(number: str) -> bool:
    return _is_date(number[6:14]) and check_character(number[:17]) == number[17]


def _is_date(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year < 2040
    except ValueError:
        return False


def _is_counted(text: str, match: re.Match[str], cued: bool) -> bool:
    start, end = match.span()
    row = match["mark"] and not cued and context.in_row(text, start, end)
    return bool(row) or context.is_other(text, start) or context.is_quantity(text, start, end, cued)


def _digits(number: str) -> str:
    return number.translate({ord(" "): None, ord("-"): None, ord("."): None}).upper()
