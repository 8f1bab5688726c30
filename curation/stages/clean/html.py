"""What a web export left behind: entities, `<br>`, and wrappers that only present.

Text about markup keeps its markup. So the rule looks at the whole conversation first, acts on
prose only, and knows no more than four tags. In the calibration data every `<table>`, `<li>`,
`<b>` or `<input>` is what was asked for, or a placeholder such as `<mask>`.
"""

import re
from collections.abc import Iterable

import orjson

from curation.text.spans import map_prose

#: A message without this has no residue.
RESIDUE = r"</?(?i:br|p|div|span)\b|&(?:nbsp|lt|gt|amp|quot|#39);"

_RESIDUE = re.compile(RESIDUE)

_MARKUP = re.compile(
    r"HTML|XML|XSL|SVG|JSX|CSS|Vue|React|Angular|Markdown|WordPress|DOM\b|entit|escap"
    r"|网页|网站|前端|标签|标记|实体|转义|超链接|字体|浏览器|富文本|尖括号"
    r"|(?:<|&lt;)/?(?:html|head|body|title|table|t[rdh]|ul|ol|li|a|img|h[1-6]|script|style|form|input|label"
    r"|button|option|select|b|i|em|strong|code|pre|sup|sub|svg|nav|font|section|header|audio|mark)"
    r"(?:[\s/>]|&gt;)|(?:<|&lt;)!|className"
    r"|[\"'][^\"'\n<>]*</?(?:br|p|div|span)\b"  # quoted: a string in code or JSON
    r"|^[ \t]+</?(?:p|div|span)\b|<\w+\s[^<>]*style\s*=",  # indented or styled: written by hand
    re.IGNORECASE | re.MULTILINE,
)

_ENTITY = re.compile(r"&(nbsp|lt|gt|amp|quot|#39);")
_CHARACTER = {"nbsp": " ", "lt": "<", "gt": ">", "amp": "&", "quot": '"', "#39": "'"}
# Decoding must not make a new tag or a new entity: that text was escaped on purpose.
_ESCAPED = re.compile(r"&lt;/?(?:br|p|div|span)\b|&amp;#?\w+;", re.IGNORECASE)

# A new line would break a row of a Markdown table.
_BREAK = re.compile(r"<br\s*/?>[ \t]*+\n?", re.IGNORECASE)
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_WRAPPER = r"<{0}(?:\s+(?:class|id|dir|lang|align|data-[\w-]+)\s*=[^<>]*)?>"
_WRAPPERS = [
    (re.compile(_WRAPPER.format(tag), re.IGNORECASE), re.compile(f"</{tag}>", re.IGNORECASE), end)
    for tag, end in (("p", "\n"), ("div", "\n"), ("span", ""))
]


def is_residue(text: str, conversation: Iterable[str]) -> bool:
    """Is the HTML in `text` residue? Not in JSON, nor if `conversation` is about markup."""
    if not _RESIDUE.search(text) or _is_json(text):
        return False
    return not any(_MARKUP.search(_without_wrappers(message)) for message in conversation)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _without_wrappers(text: str) -> str:
    """`text` without tags that wrap: class="markdown prose" is no talk of Markdown."""
    for opening, _, _ in _WRAPPERS:
        text = opening.sub("", text)
    return text


def html_residue(text: str) -> str:
    """Entities decoded, `<br>` as line ends, paired `<p>`, `<div>`, `<span>` taken off."""
    return map_prose(text, _prose)


def _prose(text: str) -> str:
    if "&" in text and not _ESCAPED.search(text):
        text = _ENTITY.sub(lambda match: _CHARACTER[match[1]], text)
    if "<" not in text:
        return text
    if not _TABLE_ROW.search(text):
        text = _BREAK.sub("\n", text)
    for opening, closing, end in _WRAPPERS:
        if len(opening.findall(text)) == len(closing.findall(text)):
            text = closing.sub(end, opening.sub("", text))
    return text
