"""Parts of a text that rules about prose leave alone: code, formulas, URLs, e-mail addresses.

Every pattern is linear in the length of the text: a part that is opened either always closes (an
unterminated block runs to the end), or its body cannot contain its opening, or its length is
bounded.
"""

import re
from collections.abc import Callable

#: A text without any of these has no protected part, which is what most prose is.
_MARKS = ("`", "~~~", "://", "www.", "@", "$", "\\(", "\\[")

# Chinese text writes ~~~ as a flourish and $ as a price. So a tilde fence stands alone on its line,
# and a formula holds no CJK.
_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"

# Chinese follows a URL without a space, so a URL is ASCII but for its host and for names in it, as
# in /wiki/臺灣. A name stands behind a separator, or behind anything once the path has had a name,
# and does not begin a sentence about the URL: …/page/是我的網站. A space, a bracket or more of the
# URL closes it for certain, Chinese punctuation may close a sentence as well. So a name has
# at most 40 characters, 24 before Chinese punctuation, and 8 there right behind the host, where
# prose is likelier.
_LETTER = "[\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_CLOSED = r"""(?=[ \t)>\]"'<|/?\#&=_%+」』】》〉）”-]|\.[A-Za-z0-9])(?<![吧嗎吗呢])"""
_LINE_END = r"(?=[\r\n]|\Z)(?<![吧嗎吗呢])"
_PAUSE = rf"(?![·・]?{_LETTER})(?<![吧嗎吗呢])"
_SENTENCE = (
    "(?!是(?!枝)|[這这那就也都不]是|也[有可能]|可[以查]|的(?![士黎])|了(?![凡解不])|[吧嗎吗呢][^喃]"
    "|[來来]看|看看|[請请]|[裡裏里][有面]|[查觀观]看|[這这][裡裏里]|[我你您他她它][們们]?的[網网]站)"
)
_TOPIC = "(?![這这的了]|[我你您他她它][們们]?的)"  # may also begin a sentence


def _run(most: int) -> str:
    """A pattern for up to `most` letters, dots between them apart, which gives none back."""
    return rf"{_LETTER}(?:[·・]?{_LETTER}){{0,{most - 1}}}+"


_FIRST = (
    rf"""/{_SENTENCE}(?:{_run(40)}{_CLOSED}|{_TOPIC}(?:{_run(40)}{_LINE_END}|{_run(8)}{_PAUSE}))"""
)
_NAME = rf"{_SENTENCE}(?:{_run(40)}(?:{_CLOSED}|{_LINE_END})|{_run(24)}{_PAUSE})"
_END = "[A-Za-z0-9=&_~%+-]"  # what a URL may end on; other punctuation belongs to the sentence
_MARK = r"[!-.:;?@\[-^`{-}]*+"
_AFTER = rf"(?:(?<=[/=_\#:&+-])|(?<=_\()|(?<=%[0-9A-Fa-f]{{2}})){_NAME}"
_ASCII_PATH = rf"(?:{_MARK}(?:{_END}|[/\#]))*+"
_NAMED_PATH = rf"(?:{_MARK}(?:{_END}|[/\#]|{_AFTER}|{_SENTENCE}{_run(20)}{_CLOSED}))*+"
_PATH = rf"""{_ASCII_PATH}(?:{_MARK}(?:{_AFTER}|(?<=\?){_run(20)}(?==)
             |(?<=[0-9]){_run(20)}(?=\.[A-Za-z]{{2,4}}\b)){_NAMED_PATH})?+"""
# Domains in Han that anybody may register a name under.
_DOMAIN = (
    "中[国國]|[台臺][湾灣]|香港|澳[门門]|新加坡|公司|[网網][络絡路址店站]|中文[网網]|在[线線]|集[团團]"
    "|商[城店标標]|信息|公益|政[务務]|[机機][构構]|企[业業]|移[动動]|手[机機]|[广廣][东東]|佛山|我[爱愛]你"
)
_HOST = rf"""(?:(?:{_LETTER}{{1,20}}+|[A-Za-z0-9-]{{1,63}}+)\.(?![^\w-]|\Z))*+
             (?:(?<=\.)(?:{_DOMAIN}))?+
             (?:[!"$-.:;@\[-^`{{-}}]*+{_END})*+"""
_URL = rf"""
    (?:(?<![A-Za-z])(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp])://|(?<![A-Za-z0-9.])www\.(?=[A-Za-z0-9]))
    {_HOST}
    (?:{_FIRST}{_NAMED_PATH}|/(?={_LETTER})|(?=[\]/?\#]){_PATH})?+
"""
_PROTECTED = re.compile(
    rf"""
    (?=[`$\\A-Za-z0-9._%+-])(?:       # so that most characters are passed over at once
      (?<!`)(?P<ticks>`{{3,}}+)[^`\n]*+(?:\n.*?(?:(?P=ticks)`*+|\Z)|\Z)           # ``` block
    | (?<!`)(?P<code>`++)[^`\n]++(?P=code)(?!`)                                   # `inline code`
    | \$\$[^${_CJK}]{{1,2000}}+\$\$ | \$(?=[^\s$])[^$\n{_CJK}]{{1,200}}+(?<=\S)\$(?!\d)
    | \\\((?:[^\\{_CJK}]|\\(?![()]))*+\\\) | \\\[(?:[^\\{_CJK}]|\\(?![\[\]]))*+\\\]
    | {_URL}
    | (?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{{1,64}}+                                 # e-mail
      @[A-Za-z0-9-]{{1,63}}+(?:\.[A-Za-z0-9-]{{2,63}}+)++
    )
    | ^[ \t]*+(?P<tildes>~{{3,}}+)[ \t]*+[\w+\#.-]*+[ \t]*+(?:\n.*?(?:^[ \t]*+(?P=tildes)|\Z)|\Z)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def protected(text: str) -> list[tuple[int, int]]:
    """Start and end (in characters) of each protected part of `text`, in order, disjoint."""
    if not any(mark in text for mark in _MARKS):
        return []
    return [match.span() for match in _PROTECTED.finditer(text)]


def map_prose(text: str, function: Callable[[str], str]) -> str:
    """`text` with `function` applied to each stretch between the protected parts."""
    parts, position = [], 0
    for start, end in protected(text):
        parts += [function(text[position:start]) if start > position else "", text[start:end]]
        position = end
    if position < len(text):
        parts.append(function(text[position:]))
    return "".join(parts)


def prose(text: str) -> str:
    """`text` without its protected parts; a space stands where one was."""
    parts, position = [], 0
    for start, end in protected(text):
        parts.append(text[position:start])
        position = end
    return " ".join([*parts, text[position:]])
