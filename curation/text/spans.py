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
# and a formula holds no CJK. URLs are ASCII, because Chinese follows them without a space.
_CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_PROTECTED = re.compile(
    rf"""
      (?<!`)(?P<ticks>`{{3,}}+)[^`\n]*+(?:\n.*?(?:(?P=ticks)`*+|\Z)|\Z)           # ``` block
    | ^[ \t]*+(?P<tildes>~{{3,}}+)[ \t]*+[\w+\#.-]*+[ \t]*+(?:\n.*?(?:^[ \t]*+(?P=tildes)|\Z)|\Z)
    | (?<!`)(?P<code>`++)[^`\n]++(?P=code)(?!`)                                   # `inline code`
    | \$\$[^${_CJK}]{{1,2000}}+\$\$ | \$(?=[^\s$])[^$\n{_CJK}]{{1,200}}+(?<=\S)\$(?!\d)
    | \\\((?:[^\\{_CJK}]|\\(?![()]))*+\\\) | \\\[(?:[^\\{_CJK}]|\\(?![\[\]]))*+\\\]
    | (?:(?<![A-Za-z])(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp])://|(?<![A-Za-z0-9.])www\.)
      [!-;=?-~]*[A-Za-z0-9/\#=&_~%+-]                                                # URL
    | (?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{{1,64}}+                                 # e-mail
      @[A-Za-z0-9-]{{1,63}}+(?:\.[A-Za-z0-9-]{{2,63}}+)++
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
