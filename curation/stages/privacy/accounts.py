"""QQ and WeChat ids, which only a cue word tells from other words and numbers; number plates."""

import re
from collections.abc import Iterator

from curation.stages.privacy import context, tables
from curation.stages.privacy.folding import hide_links

Span = tuple[int, int]

_WHOSE = r"(?:我|你|他|她|我的|本人|老师|客服|群主)?"
_LINK = (
    r"(?:\s|号码|号|帐号|账号|账户|id\b|ID\b|群|群号|联系方式|联系|咨询|添加|请加|加|是|为|就是|我的?"
    r"|改成|换成|同号|搜索?|[:=,、(\"'「]){0,5}"
)
_QQ = re.compile(
    r"(?<![A-Za-z])(?:(?i:qq|oicq)|(?i:q)(?=[号群:])|(?<=加)(?i:q)|(?<=加我)(?i:q)|扣扣|企鹅号?"
    r"|秋秋|球球号?|扣(?=[号:]))"
    rf"(?P<link>{_LINK})(?P<id>[1-9]\d\d[ ](?:\d{{3}}[ ]\d{{3,4}}|\d{{3,7}})|[1-9]\d{{4,10}})"
    r"(?![\dA-Za-z_@]|[.-]\d)"
)
#: Another one after the first; 11 digits would be a mobile number.
_QQ_NEXT = re.compile(r"(?:[、/]|或|和) ?(?P<id>[1-9]\d{4,9})(?![\dA-Za-z_@]|[.-]\d)")
_QQ_HEADING = tables.heading(r"QQ|Q Q|扣扣")
_QQ_ID = re.compile(r"[1-9]\d{4,10}|[1-9]\d\d \d{3,7}")
_QQ_AFTER = re.compile(
    r"(?<![\dA-Za-z_.·-])(?<!\d\))(?P<id>[1-9]\d{4,10})\s?(?:\(\s?(?i:qq)号?\s?\)|,?\s?(?:这?就?是|为)"
    rf"{_WHOSE}的?\s?(?:(?i:qq)|扣扣)(?!币|音乐|空间|群聊)"
    r"|\s?(?i:qq)(?=同号|号(?!码?\s?[:=是为]?\s?[1-9])))"
)

_WECHAT_CUE = r"(?:微\ ?信|[薇威徽维v]信|微❤|微芯|wei\ ?xin|we\ ?chat|(?<=加)卫星|(?<=加我)卫星)"
_SHORT_CUE = (
    r"(?<![A-Za-z0-9_.])(?:vx|wx|v(?=号)|(?<=加)v|(?<=加我)v|(?<=加)[薇微威]|(?<=加我)[薇微威])"
)
_ID = r"(?:[A-Za-z][A-Za-z0-9_-]{5,19}|[1-9]\d{4,11})(?![A-Za-z0-9_@]|[.(]\w|-\w|://)"
_WECHAT = re.compile(
    rf"(?:{_WECHAT_CUE}|{_SHORT_CUE})(?P<link>{_LINK})(?P<id>{_ID})", re.IGNORECASE | re.VERBOSE
)
_WECHAT_AFTER = re.compile(
    rf"(?<![A-Za-z0-9_.@/-])(?P<id>[A-Za-z][A-Za-z0-9_-]{{5,19}}|[1-9]\d{{4,11}})"
    rf"\s?(?:\(\s?微信号?\s?\)|,?\s?(?:这?就?是){_WHOSE}的?\s?微信号?(?![支小公平用朋群客好搜官团]))"
)
#: The id that WeChat gives who chooses none: needs no cue.
_WXID = re.compile(r"(?<![A-Za-z0-9_])wxid_[a-z0-9]{8,22}(?![A-Za-z0-9_])")
#: Says that an id follows; without it only an id with a digit or an underscore is believed.
_STATED = re.compile(r"[:=号是为加搜]|id", re.IGNORECASE)
_ADD = re.compile(r"(?:(?<!参)加|搜)(?:我|个|一下|下)?的?\Z")
_SLANG = re.compile(r"[薇威徽维vV]信|微❤")
_WECHAT_HEADING = tables.heading(r"微 ?信|v信|vx|wx|we ?chat")
_WECHAT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{5,19}|[1-9]\d{4,11}")
_NO_ID = re.compile(
    r"(?:wechat|weixin|android|iphone|windows|openid|unionid|appid|access_?token|app_?secret|official"
    r"|account|message|public|mini|program|number|moments|request|navigate|python|twitter|facebook"
    r"|tiktok|instagram|whatsapp|telegram|youtube|google|please|service|https?).*",
    re.IGNORECASE,
)
_PUBLIC = re.compile(r"公众号|服务号|订阅号|视频号|小程序")

#: The character of a province that a plate begins with.
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER = "[A-HJ-NP-Za-hj-np-z]"
_SERIAL = "[A-HJ-NP-Za-hj-np-z0-9]"
_PLATE = re.compile(
    rf"""[{PROVINCES}]\ ?{_LETTER}(?P<gap>\ ?[·.•-]?\ ?)(?P<serial>
      [DFABCEGHJKdfabceghjk]{_SERIAL}\d{{4}} | \d{{5}}[DFABCEGHJKdfabceghjk]    # new energy
    | {_SERIAL}{{4}}[学警挂港澳] | {_SERIAL}{{5}})(?![A-Za-z0-9_]|[.-][A-Za-z0-9])""",
    re.VERBOSE,
)
_PLATE_CUE = re.compile(r"车牌|牌照|号牌|车号|牌号|[车轿]|(?i:plate)")
#: The last character of a name (北京, 辽宁, 江苏) is no plate's first.
_NAME_BEFORE = re.compile(
    r"(?:[北南东]京|天津|[辽南西]宁|江苏|四川|西藏|[全最更崭]新|[白多风彩]云|[年常]青|富贵|[漆]黑)\Z"
)


def qq(folded: str) -> Iterator[Span]:
    """QQ numbers: 5 to 11 digits after QQ, 扣扣 or 企鹅, or before "是我的QQ"; a list of them."""
    text = hide_links(folded)
    for match in _QQ.finditer(text):
        cued = "群" not in match["link"] or bool(_STATED.search(match["link"]))
        one: re.Match[str] | None = match
        while one and not context.is_quantity(text, *one.span("id"), cued):
            yield one.span("id")
            one = _QQ_NEXT.match(text, one.end())
    for match in _QQ_AFTER.finditer(text):
        if not context.is_quantity(text, *match.span("id"), cued=False):
            yield match.span("id")
    for start, end in tables.column(text, _QQ_HEADING):
        if _QQ_ID.fullmatch(text, start, end):
            yield start, end


def wechat(folded: str) -> Iterator[Span]:
    """WeChat ids (a letter and 5 to 19 more) after 微信, VX, 加V and kin; not public accounts."""
    yield from (match.span() for match in _WXID.finditer(folded))
    for match in _WECHAT.finditer(folded):
        if _is_meant(folded, match) and _is_wechat_id(folded, *match.span("id")):
            yield match.span("id")
    for match in _WECHAT_AFTER.finditer(folded):
        if _is_wechat_id(folded, *match.span("id")):
            yield match.span("id")
    for start, end in tables.column(folded, _WECHAT_HEADING):
        if _WECHAT_ID.fullmatch(folded, start, end) and _is_wechat_id(folded, start, end):
            yield start, end


def _is_meant(text: str, match: re.Match[str]) -> bool:
    """Whether the cue word announces an id: not a public account, not the next word of a talk.

    A word of letters only is an id if something says so: 号, 是, a colon; 加 before the cue word;
    or a cue word that nobody writes who means the product (V信).
    """
    lead = text[max(0, match.start() - 4) : match.start()]
    if _PUBLIC.search(lead + match["link"]):
        return False
    if match["id"].isdigit():
        return "群" not in match["link"]
    stated = _STATED.search(match["link"]) or re.search(r"[\d_]", match["id"])
    asked = match.start("link") - match.start() > 1 and _ADD.search(lead)  # 参加Vietnam is no 加V
    return bool(stated or asked or _SLANG.match(match[0]))


def _is_wechat_id(text: str, start: int, end: int) -> bool:
    name = text[start:end]
    if name.isdigit():
        return not context.is_quantity(text, start, end, cued=True)
    return not _NO_ID.fullmatch(name)


def licence_plate(folded: str) -> Iterator[Span]:
    """Number plates (GA 36): province, letter, five signs, six for new energy; never I or O.

    Without a dot or a cue word: capitals, and of the five signs at most two are letters.
    """
    for match in _PLATE.finditer(folded):
        lead = context.before(folded, match.start(), 10)
        marked = "·" in match["gap"] or _PLATE_CUE.search(lead)
        if any(sign.isdigit() for sign in match["serial"]) and (
            marked or _is_plain_plate(match, lead)
        ):
            yield match.span()


def _is_plain_plate(match: re.Match[str], lead: str) -> bool:
    letters = sum(sign.isascii() and sign.isalpha() for sign in match["serial"])
    return (
        letters <= 2
        and match[0] == match[0].upper()
        and not _NAME_BEFORE.search(lead + match[0][0])
    )
