"""What stands beside a number and says what it is: a label, a unit, an operator.

There is no word boundary between Han and digits, so every rule looks at the neighbours itself.
"""

import re

#: How far a cue word may stand from what it announces, in characters.
REACH = 16

#: A number that is whole in itself: a mobile, a landline, an identity number or a card.
_WHOLE = (
    r"(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:\d{8}|[ .·-]\d{4}[ .·-]\d{4})|86[- ]1[3-9]"
    r"|\(?0\d{2,3}[)-]?[ ]?[2-8]\d{6,7}|\d{15,18}[\dXx]"
)

# Labels are matched on the reversed text: from the number outwards, at one place only.

#: A number of these kinds (订单号, 学号), with 号 or 码 after the word.
_NUMBERED = (
    "订单 定单 运单 快递 物流 单 包裹 追踪 跟踪 流水 交易 批 序列 货 产品 商品 条 条形 发票 票 "
    "合同 学 工 会员 证书 型 版本 代 专利 案 文 档案 设备 资产 凭证 保单 项目 任务 工单 取件 "
    "提单 准考证 受理 备案 注册 信用代 税 基金 股票 期 批次 房间 编 序 门牌 图书 书"
)
#: What is measured, counted or reckoned.
_MEASURED = (
    "版本 参数 累计 累计用户 第 时间戳 金额 价格 总价 售价 单价 票价 票房 余额 人口 销量 产量 "
    "播放量 浏览量 点击量 阅读量 访问量 下载量 容量 粉丝 营收 收入 市值 产值 数量 总数 利润 "
    "预算 面积 距离 周长 体积 得数 结果 答案 质数 素数 整数 自然数 随机数 数字 序列 哈希 "
    "哈希值 校验码 校验和 坐标 经度 纬度 等于 超过 高达 大约 约为 总计 合计 共计 共有 相当于 "
    "约 达 达到 大于 小于"
)
_ENGLISH = (
    "isbn issn doi sku imei uid timestamp serial order price amount tracking invoice version seed "
    "build hash count total size offset bytes"
)
#: Names of what is looked for; "no" and "id" after them do not make it something else.
_SOUGHT = "phone mobile telephone fax contact card account acct"


def _reversed(words: str) -> str:
    return "|".join(re.escape(word[::-1]) for word in words.split())


_LINK = r"""(?:[号码编是为は:=#"'\s(]|(?i:si|\.?on|rebmun)){0,5}"""
_NUMBER = r"(?i:\.?on|di|mun|rebmun|edoc)"
#: Directly before a number: it is of another kind, whatever its digits look like.
_OTHER_LABEL = re.compile(
    rf"""\A(?:{_LINK}(?:{_NUMBER}[_ ]?)?
    (?:[号码](?:{_reversed(_NUMBERED)})|{_reversed(_MEASURED)}|(?i:{_reversed(_ENGLISH)})
    |(?i:ns|di|\.?on)(?![a-z]))
    |\s?(?:[¥￥$€£₩]|(?i:{_reversed("rmb cny usd hkd eur jpy")})))""",
    re.VERBOSE,
)
_SOUGHT_LABEL = re.compile(
    rf"\A{_LINK}(?:{_NUMBER}[_ .-]{{0,2}})?"
    rf"(?i:{_reversed(_SOUGHT)}|(?:let|llec)(?![a-z])|(?<=n)[_ ]?di)"
)
_UNIT = re.compile(
    r"""\s?(?:元|块钱|美元|美金|日元|欧元|港元|港币|韩元|卢布|英镑|人民币|万|亿|千克|千米|公里|厘米|毫米|微米|纳米|平方|立方
    |公斤|吨|毫升|升|秒|毫秒|微秒|分钟|小时|字节|比特|赫兹|瓦|伏|焦耳|帕|光年|摄氏度|多?年|倍|股|%|‰|°|℃|￥|¥|€|£|\$
    |(?:km|kg|cm|mm|ml|mb|gb|kb|hz|ms|rmb|usd|cny|bytes?)(?![A-Za-z]))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LOOSE_UNIT = re.compile(
    r"\s?(?:人次|个(?!人)|[次件米克度条行步字台辆套种册颗粒瓶块]|名(?!字)|人(?=[民口,，。、;；!！?？\s)”\"]|\Z)|[月日](?!常))"
)
_OPERATOR_BEFORE = re.compile(r"(?:[×÷*^√≈≤≥]|[=+])\s?\Z")
_OPERATOR_AFTER = re.compile(rf"\s?(?:[×÷*^=≈≤≥]|[+/-]\s?(?!{_WHOLE})\d{{1,6}}(?!\d))")
#: A number in a call of a function: range(10).
_CALL = re.compile(r"(?<![A-Za-z])[a-z_]{2,16}\(\Z")
_ROW_BEFORE = re.compile(r"[ ./·-]\d")  # from the number outwards
_ROW_AFTER = re.compile(
    rf"[ ./·-](?=\d)(?!(?:{_WHOLE})(?!\d)|[2-8]\d{{6,7}}(?!\d)"
    r"|\d{1,2}[.、)](?!\d)|\d{1,4}[年月日号楼室层])"
)
_WHOLE_BEFORE = re.compile(rf"(?<!\d)(?:{_WHOLE})[ ./·-]\Z")
_BREAK = re.compile(r"[\n。！？!?;；\0]")


def before(text: str, start: int, reach: int = REACH) -> str:
    """What stands before `start`, within `reach` and the sentence."""
    return _BREAK.split(text[max(0, start - reach) : start])[-1]


def after(text: str, end: int, reach: int = REACH) -> str:
    """What stands after `end`, within `reach` and the sentence."""
    return _BREAK.split(text[end : end + reach], maxsplit=1)[0]


def is_other(text: str, start: int) -> bool:
    """Whether a label directly before `start` says that the number is something else."""
    lead = text[max(0, start - 24) : start][::-1]
    return bool(_OTHER_LABEL.match(lead)) and not _SOUGHT_LABEL.match(lead)


def is_quantity(text: str, start: int, end: int, cued: bool) -> bool:
    """Whether the number is counted, paid or reckoned with.

    A cue word outweighs what may begin the next word as well (13812345678人在吗), and an equals
    sign (手机=13812345678).
    """
    if _UNIT.match(text, end):
        return True
    if cued:
        return False
    if _OPERATOR_BEFORE.search(text[max(0, start - 3) : start]):
        return True
    called = text[start - 1 : start] == "(" and _CALL.search(text[max(0, start - 20) : start])
    return bool(called or _LOOSE_UNIT.match(text, end) or _OPERATOR_AFTER.match(text, end))


def in_row(text: str, start: int, end: int) -> bool:
    """Whether groups of digits go on on either side, so that these are some out of a row.

    A neighbour that is a number of its own, an item of a list (3.) or a date is no such group.
    """
    if _ROW_AFTER.match(text, end):
        return True
    if not _ROW_BEFORE.match(text[max(0, start - 2) : start][::-1]):
        return False
    lead = text[max(0, start - 24) : start]
    return not _WHOLE_BEFORE.search(lead)
