"""What stands beside a number and says what it is: a label, a unit, an operator.

There is no word boundary between Han and digits, so every rule looks at the neighbours itself.
"""

import re

#: How far a cue word may stand from what it announces, in characters.
REACH = 16

_LINK = r"""(?:号码|号|码|编号|[是为:=#"'\s(]|は|is|no\.?|number){0,4}"""

#: Directly before a number: it is of another kind, whatever its digits look like.
_OTHER_LABEL = re.compile(
    rf"""(?:(?:订单|定单|运单|快递|物流|单|包裹|追踪|跟踪|流水|交易|批|序列|货|产品|商品|条|条形码|发票|票
    |合同|学|工|会员|证书|型|版本|代码|专利|案|文|档案|设备|资产|凭证|保单|项目|任务|工单|取件|提单|准考证
    |受理|备案|注册|信用代码|税|基金|股票|期|批次|房间|编|序|门牌|图书|书)[号码]
    |版本|参数|累计(?:用户)?|第|时间戳|金额|价格|总价|售价|单价|票价|票房|余额|人口|销量|产量|播放量|浏览量|点击量|阅读量|营收|收入|市值|产值
    |数量|总数|总数为|利润|预算|面积|距离|周长|体积|得数|结果|答案|质数|素数|整数|自然数|随机数|数字|序列
    |哈希值?|校验[码和]|坐标|经度|纬度|等于|超过|高达|大约|约为|总计|合计|共计|共有|相当于|约|达到?|大于|小于
    |(?i:isbn|issn|doi|sku|imei|uid|timestamp|serial|order|price|amount|tracking|invoice|version|seed
    |build|hash|count|total|size|offset|bytes|(?<![a-z])sn|(?<![a-z])id|(?<![a-z])no\.?))
    (?i:[_ ]?(?:id|no|num|number|code)\b)?{_LINK}\Z""",
    re.VERBOSE,
)
_UNIT = re.compile(
    r"""\s?(?:元|块钱|美元|美金|日元|欧元|港元|港币|韩元|卢布|英镑|人民币|万|亿|千克|千米|公里|厘米|毫米|微米|纳米|平方|立方
    |公斤|吨|毫升|升|秒|毫秒|微秒|分钟|小时|字节|比特|赫兹|瓦|伏|焦耳|帕|光年|摄氏度|多?年|倍|股|%|‰|°|℃|￥|¥|€|£|\$
    |(?:km|kg|cm|mm|ml|mb|gb|kb|hz|ms|rmb|usd|cny|bytes?)(?![A-Za-z]))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LOOSE_UNIT = re.compile(
    r"\s?(?:人次|个(?!人)|[次件米克度条行步字台辆套种册颗粒瓶]|人(?=[民口,，。、;；!！?？\s)”\"]|\Z)|[月日](?!常))"
)
_MONEY = re.compile(r"(?:[¥￥$€£₩]|(?i:rmb|cny|usd|hkd|eur|jpy))\s?\Z")
_OPERATOR_BEFORE = re.compile(r"(?:[×÷*^√≈≤≥]|[=+])\s?\Z")
_OPERATOR_AFTER = re.compile(r"\s?(?:[×÷*^=≈≤≥]|[+/-]\s?\d{1,6}(?!\d))")
_BREAK = re.compile(r"[\n。！？!?;；\0]")


def before(text: str, start: int, reach: int = REACH) -> str:
    """What stands before `start`, within `reach` and the sentence."""
    return _BREAK.split(text[max(0, start - reach) : start])[-1]


def after(text: str, end: int, reach: int = REACH) -> str:
    """What stands after `end`, within `reach` and the sentence."""
    return _BREAK.split(text[end : end + reach], maxsplit=1)[0]


def is_other(text: str, start: int) -> bool:
    """Whether a label directly before `start` says that the number is something else."""
    window = text[max(0, start - 24) : start]
    return bool(_OTHER_LABEL.search(window) or _MONEY.search(window))


def is_quantity(text: str, start: int, end: int, cued: bool) -> bool:
    """Whether the number is counted, paid or reckoned with.

    A cue word outweighs what may begin the next word as well (13812345678人在吗), and an equals
    sign (手机=13812345678).
    """
    follows = text[end : end + 12]
    if _UNIT.match(follows):
        return True
    if cued:
        return False
    reckoned = _OPERATOR_BEFORE.search(text[max(0, start - 3) : start])
    return bool(reckoned or _LOOSE_UNIT.match(follows) or _OPERATOR_AFTER.match(follows))
