"""E-mail and IP addresses."""

import ipaddress
import re
from collections.abc import Iterator

from curation.stages.privacy import context

Span = tuple[int, int]

_FREE_MAIL = (
    r"(?:qq|163|126|139|189|gmail|outlook|hotmail|live|sina|sohu|foxmail|yahoo|aliyun|yeah|icloud)"
)
_EMAIL = re.compile(
    rf"""(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-]{{1,64}}+)
    (?: @ | \ ?[(\[{{]\ ?(?i:at)\ ?[)\]}}]\ ?
      | \ (?i:at)\ (?={_FREE_MAIL}\b) | \ ?@\ ?(?={_FREE_MAIL}\.) )
    ([A-Za-z0-9-]{{1,63}}+
      (?:(?:\.|\ ?[(\[]\ ?(?i:dot)\ ?[)\]]\ ?|\ (?i:dot)\ )[A-Za-z0-9-]{{1,63}}+){{1,5}}+)""",
    re.VERBOSE,
)
_TOP_LEVEL = re.compile(r"[.\s)\]]([A-Za-z]{2,24})-?\Z")
_FILE = frozenset(
    "png jpg jpeg gif webp svg bmp ico js ts jsx tsx py css scss html htm json xml yaml yml md txt "
    "csv pdf zip gz exe dll mp3 mp4 php java cpp rb rs vue map local".split()
)
_DUMMY_LOCAL = re.compile(
    r"\A(?=.*[A-Za-z])(?:your|my|the|some|first|last|user|example|sample|test|demo|name|email|mail|address|id|info|foo"
    r"|bar|abc|xyz|xxx+|john|jane|doe|someone|admin|support|contact|hello|noreply|no-reply|company"
    r"|me|you|sender|receiver|recipient|[-._\d])+",
    re.IGNORECASE,
)
# RFC 2606 and 6761 reserve these; the others stand for "your own" in examples.
_DUMMY_DOMAIN = re.compile(
    r"\A(?:.*\.)?(?:example\.(?:com|org|net|cn|edu)|(?:test|invalid|localhost)"
    r"|(?:your|my|some)?[-_]?(?:domain|company|email|mail|website|site|example|test|xxx+|abc|organization)"
    r"\.(?:com|org|net|cn|edu)|[^.]*+\.example)",
    re.IGNORECASE,
)
#: Users of a service, not persons: git@github.com.
_SERVICE_USERS = frozenset({"git", "hg", "svn"})

_IPV4 = re.compile(
    r"(?:(?<![A-Za-z0-9_.])|(?<=[Ii][Pp]))(?<![A-Za-z]/)(?<![A-Za-z0-9]-)(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}"
    r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![A-Za-z0-9_]|\.\d|-[A-Za-z0-9])"
)
_IPV6 = re.compile(
    r"(?<![A-Za-z0-9_.])(?<![0-9A-Fa-f:]:)[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{4,35}(?![A-Za-z0-9_:]|\.\d)"
)
_IP_CUE = re.compile(
    r"(?i:(?<![a-z])ip|服务器|主机|网址|地址|登录|登陆|访问|网关|代理|节点|域名|解析|host|server|ping|dns|ssh|proxy"
    r"|gateway|login|addr|connect|http|来自|攻击)"
)
_VERSION = re.compile(
    r"(?i:版本?|固件|补丁|升级|更新|编译|内核|驱动|软件|系统|第|(?<![\d一二三四五六七八九十])[章节条]|目录|oid|v|ver|version|build|release|section"
    r"|chapter|firmware|kernel|chrome|safari|edge|firefox|windows|android|ios|python|mysql)"
    r"[号至到是为:：.(\s]{0,4}\Z"
)
#: A port or the length of a prefix, what machines do: versions have none.
_IP_AFTER = re.compile(
    r":\d{2,5}(?![\d:])|/(?:[89]|[12]\d|3[0-2])(?![\d.])|\s?(?:登录|登陆|连接|发起|攻击|掉线|宕机)"
)
_VERSION_AFTER = re.compile(r"\s?(?:版|节|章|条|小节|固件)")
#: Public name servers: published for everybody, in every tutorial.
_RESOLVERS = frozenset(
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 114.114.114.114 114.114.115.115 223.5.5.5 223.6.6.6 "
    "119.29.29.29 180.76.76.76 208.67.222.222 208.67.220.220 "
    "2001:4860:4860::8888 2001:4860:4860::8844 2606:4700:4700::1111 2606:4700:4700::1001".split()
)


def email(folded: str) -> Iterator[Span]:
    """E-mail addresses, also with (at) and (dot).

    An address of which both sides are placeholders (user@example.com) is nobody's and stays.
    """
    for match in _EMAIL.finditer(folded):
        local, domain = match[1], re.sub(r"\s?[(\[]?\s?(?i:dot)\s?[)\]]?\s?", ".", match[2])
        local_part = local.lstrip(".%+-")
        if local_part and _is_mailbox(folded, match, local_part, domain):
            start = match.end(1) - len(local_part)
            yield start, match.start(2) + len(match[2].rstrip("-"))


def _is_mailbox(folded: str, match: re.Match[str], local: str, domain: str) -> bool:
    top = _TOP_LEVEL.search(match[2])
    if not top or top[1].lower() in _FILE or local.lower() in _SERVICE_USERS:
        return False
    if _DUMMY_LOCAL.fullmatch(local) and _DUMMY_DOMAIN.fullmatch(domain):
        return False
    # user:password@host is a credential: see secrets.
    return not re.search(
        r"://[^\s/@:]{1,64}:\Z", folded[max(0, match.start() - 80) : match.start()]
    )


def ip(folded: str) -> Iterator[Span]:
    """Public IP addresses. Private, loopback and documentation ranges point to nobody.

    Without a cue word four small numbers are rather a version or a section (1.2.3.4).
    """
    for match in _IPV4.finditer(folded):
        if _is_public(match[0]) and _is_address(folded, match):
            yield match.span()
    for match in _IPV6.finditer(folded):
        address = match[0] if match[0].endswith("::") else match[0].rstrip(":")
        if _is_public(address):
            yield match.start(), match.start() + len(address)


def _is_address(folded: str, match: re.Match[str]) -> bool:
    lead = context.before(folded, match.start())
    if _VERSION.search(lead) or _VERSION_AFTER.match(folded[match.end() : match.end() + 3]):
        return False
    if "//" in lead[-2:]:
        return True
    if _IP_CUE.search(lead) or _IP_AFTER.match(folded, match.end()):
        return True
    return any(len(octet) == 3 for octet in match[0].split("."))


def _is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and text not in _RESOLVERS
