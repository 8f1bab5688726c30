"""Mobile and landline numbers, after the numbering plan of mainland China (MIIT, 2017).

Service numbers (400, 800, 95xxx, 110) are an organisation's, published to be called: they stay.
"""

import re
from collections.abc import Iterator

from curation.stages.privacy import context
from curation.stages.privacy.folding import hide_links

Span = tuple[int, int]

_CUE = re.compile(
    r"手机|手機|电话|電話|座机|固话|传真|联系|聯繫|致电|拨|打给|打我|短信|号码|热线|微信|同号|私聊"
    r"|(?i:tel|phone|mobile|cell|call|contact|fax|whatsapp|(?<![a-z])(?:vx|wx|mob|ph|tp|m)[.:]?\s?\Z)"
)
_LETTER_CUE = re.compile(
    r"(?<![A-Za-z])(?:tel|phone|mobile|cell|mob|call|fax|vx|wx)(?:[ _]no)?\Z", re.IGNORECASE
)
_SAME_NUMBER = r"(?i:qq|vx|wx|wechat|or\b)"
_S = r"[ ]?[-·]?[ ]?"
_COUNTRY = r"(?:\((?:\+|00)?86\)|(?:\+|00)86|86(?=[- ]))[- ]?"
#: A country code, and how people group a mobile number: 3-4-4, 7-4, 3-8, 4-3-4, 5-6, 3-3-5.
_MOBILE = re.compile(
    rf"""(?<![\d])(?:(?P<country>{_COUNTRY}0?|86))?(?:1[3-9]\d|\(1[3-9]\d\)(?=\s?\d))(?:
      {_S}\d{{4}}{_S}\d{{4}} | (?P<mark>[._/])\d{{4}}(?P=mark)\d{{4}} | \d{_S}\d{{3}}{_S}\d{{4}}
    | \d\d{_S}\d{{6}} | {_S}\d{{3}}{_S}\d{{5}}
    )(?!\d)""",
    re.VERBOSE,
)
_HAN_DIGIT = "零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
_SPELLED = re.compile(
    rf"(?<![{_HAN_DIGIT}])[一幺壹][三四五六七八九叁肆伍陆柒捌玖][{_HAN_DIGIT}]{{9}}(?![{_HAN_DIGIT}])"
)
_DIGIT_BY_DIGIT = re.compile(r"(?<!\d)(?<!\d[ .·-])1([ .·-])[3-9](?:\1\d){9}(?!\1?\d)")
#: Hong Kong, Macau and Taiwan mobiles, with their country code.
_ABROAD = re.compile(
    r"(?<![\d+])(?:\+|00)"
    r"(?:85[23][- ]?[4-9]\d{3}[- ]?\d{4}|886[- ]?0?9\d{2}[- ]?\d{3}[- ]?\d{3})(?!\d)"
)

# Area codes: 010, 02x, and those of three digits that are in use.
_AREA = r"""0(?:10|2[0-57-9]|3(?:1\d|35|49|5\d|7\d|9[1-8])
  |4(?:1\d|2[179]|3\d|40|5\d|6[4789]|7\d|8[23])
  |5(?:1\d|2[37]|3\d|4[36]|5\d|6[1-6]|7\d|80|9\d)|6(?:3[1-5]|6[0238]|9[12])
  |7(?:01|1\d|2[248]|3\d|4[3-6]|5\d|6\d|7\d|9\d)|8(?:1[2-8]|2[5-7]|3\d|5[1-9]|7\d|8[3678]|9[1-8])
  |9(?:0[1-36-9]|1\d|3\d|4[13]|5[1-5]|7\d|9\d))"""
_EXTENSION = r"(?:\s?(?:-|转|分机|轉|(?i:ext\.?|x))\s?(?:分机)?:?\s?\d{1,6}(?!\d))?"
_LANDLINE = re.compile(
    rf"""(?<!\d)(?:
      {_COUNTRY}\(?0?(?:10|2\d|[3-9]\d\d)\)?[- ]?[2-8]\d{{2,3}}[- ]?\d{{4}}
    | \(0(?:10|2\d|[3-9]\d\d)\)\s?-?\s?[2-8]\d{{2,3}}[- ]?\d{{4}}
    | 0(?:10|2\d|[3-9]\d\d)\s?[-/_]\s?[2-8]\d{{2,3}}[- ]?\d{{4}}
    | {_AREA}[ ][2-8]\d{{2,3}}[- ]?\d{{4}}
    | 0(?:10|2\d)[2-8]\d{{3}}[- ]?\d{{4}} | {_AREA}[2-8]\d{{2,3}}[- ]?\d{{4}}
    )(?!\d){_EXTENSION}""",
    re.VERBOSE,
)
#: From a day of a month to a day of a year (0517-20030517), no area code and number.
_DAYS = re.compile(r"(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])-(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d\Z")
#: Without an area code only directly after its label.
_LOCAL = re.compile(
    r"(?:电话|座机|固话|家电|传真|(?i:(?<![a-z])tel|(?<![a-z])fax))(?:号码|号)?[是为:. ]{0,3}"
    rf"([2-8]\d{{2,3}}[- ]?\d{{4}})(?!\d){_EXTENSION}"
)


def mobile(folded: str) -> Iterator[Span]:
    """Mobile numbers: 11 digits from 13 to 19, as written by people; in Han digits too."""
    text = hide_links(folded)
    for match in _MOBILE.finditer(text):
        grouped = len(match[0]) > 11 and not match["country"]
        if _stands_alone(text, *match.span(), grouped):
            yield match.span()
    for match in _DIGIT_BY_DIGIT.finditer(text):
        if _CUE.search(context.before(text, match.start())):
            yield match.span()
    for pattern in (_SPELLED, _ABROAD):
        yield from (match.span() for match in pattern.finditer(text))


def landline(folded: str) -> Iterator[Span]:
    """Landline numbers with their area code and extension; without one after a label."""
    text = hide_links(folded)
    for match in _LANDLINE.finditer(text):
        if _stands_alone(text, *match.span(), grouped=True) and not _DAYS.match(match[0]):
            yield match.span()
    for match in _LOCAL.finditer(text):
        if not context.is_quantity(text, match.start(1), match.end(), cued=True):
            yield match.start(1), match.end()


def _stands_alone(text: str, start: int, end: int, grouped: bool) -> bool:
    """Whether the digits are a number of their own, not part or kind of another.

    grouped: groups of digits, which without a cue word must not be part of a row of such groups.
    """
    if _is_part(text, start, end) or context.is_other(text, start):
        return False
    cued = bool(_CUE.search(context.before(text, start)))
    if grouped and not cued and context.in_row(text, start, end):
        return False
    return not context.is_quantity(text, start, end, cued)


_PART_BEFORE = re.compile(r"[A-Za-z_+.%]|-[A-Za-z0-9]|:\d")  # from the number outwards
_PART_AFTER = re.compile(rf"(?!{_SAME_NUMBER})[A-Za-z_]|[.:]\d|-[A-Za-z0-9]|@[A-Za-z0-9]")


def _is_part(text: str, start: int, end: int) -> bool:
    if _PART_AFTER.match(text, end):
        return True
    if not _PART_BEFORE.match(text[max(0, start - 2) : start][::-1]):
        return False
    return not _LETTER_CUE.search(text[max(0, start - 12) : start].rstrip("-._: "))
