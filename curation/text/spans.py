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

# Chinese follows a URL without a space, so a URL is ASCII, but for names in it, as in /wiki/臺灣.
# Such a name stands behind a separator, has at most 20 characters, and is not a clause that goes on
# about the URL: …/page/是我的網站. Right behind the host, prose is likelier: 8 characters at most.
_NAME = "[\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_CLAUSE = "[的是了吧嗎吗呢也]|這|这|[我你您他她它][們们]?的|可以|[裡裏里][有面]|下[載载]|[查觀观]看"
_END = "[A-Za-z0-9=&_~%+-]"  # what a URL may end on; other punctuation belongs to the sentence
_HOST = rf"""(?:(?:{_NAME}{{1,20}}+|[A-Za-z0-9-]{{1,63}}+)\.(?![^\w-]|\Z))*+
             (?:[!"$-.:;@\[-^`{{-}}]*+{_END})*+"""
_PATH = rf"""(?:[!-.:;?@\[-^`{{-}}]*+(?:{_END}|[/\#]|(?:(?<=[/=_\#:&+-])|(?<=_\())
             (?={_NAME}{{1,20}}+(?!{_NAME}))(?!{_CLAUSE}){_NAME}++))*+"""
_URL = rf"""
    (?:(?<![A-Za-z])(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp])://|(?<![A-Za-z0-9.])www\.(?=[A-Za-z0-9]))
    {_HOST}
    (?:/(?={_NAME}{{1,8}}+(?!{_NAME}))(?!{_CLAUSE}){_NAME}++{_PATH}|/(?={_NAME})|(?=[\]/?\#]){_PATH})?+
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
