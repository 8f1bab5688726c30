"""Postal addresses: a chain from province, city or district down to a house."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_HOUSE = re.compile(
    r"(?<=[路街巷道弄里同区园村苑寓厦场院坊庄镇组段城])\s?[A-Za-z]?\d{1,5}(?:-\d{1,4})?"
    r"(?:号院|号楼|号|弄|栋|幢|座|单元|室|组|层|楼)"
    r"(?:[\s,]?(?:[\u4e00-\u9fff]{2,10}(?:小区|花园|公寓|大厦|广场|苑))?"
    r"[A-Za-z]?\d{1,5}(?:号楼|号|栋|幢|座|单元|室|层|楼|#|(?!\d))){0,5}"
)
_REGION = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 "
    "山东 河南 湖北 湖南 广东 海南 四川 贵州 "
    "云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
).replace(" ", "|")
_CHAIN = re.compile(
    rf"(?:(?:{_REGION})(?:省|市|[\u4e00-\u9fff]{{0,3}}自治区)?[\u4e00-\u9fffA-Za-z0-9 ]{{2,40}}"
    r"|[\u4e00-\u9fff]{2,4}(?:市|[区县旗])[\u4e00-\u9fffA-Za-z0-9 ]{2,30})\Z"
)
_UNIT = re.compile(r"[市区县旗州镇乡]")
_LEAD = re.compile(r"\A.*(?:住在|位于|地址|寄到|送到|家在|在|是|[:：,，到至去])")


def address(folded: str) -> Iterator[Span]:
    """Addresses with a house number that name at least a city, district or county."""
    last = 0
    for match in _HOUSE.finditer(folded):
        window = folded[max(last, match.start() - 48) : match.start()]
        chain = _CHAIN.search(window) if _UNIT.search(window) else None
        if not chain or not _UNIT.search(chain[0]):
            continue
        start = match.start() - len(chain[0])
        lead = _LEAD.match(chain[0])
        start += lead.end() if lead and _UNIT.search(chain[0][lead.end() :]) else 0
        yield start, match.end()
        last = match.end()
