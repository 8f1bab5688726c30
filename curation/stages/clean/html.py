"""What a web export left behind: entities, `<br>`, and wrappers that only present.

Text about markup keeps its markup. So both rules look at the whole conversation first, act on
prose only, and know no more than four tags. In the calibration data every `<table>`, `<li>`,
`<b>` or `<input>` is what was asked for, or a placeholder such as `<mask>`.
"""

import re
import unicodedata
from collections.abc import Sequence
from html import unescape

from curation.text.spans import map_prose, protected
from curation.text.structure import is_json
from schemas.conversation import Message

_TAG = r"</?(?i:br|p|div|span)\b"
_NAMES = (
    "nbsp|lt|gt|amp|quot|apos|[lr][sd]quo|hellip|[mn]dash|middot|bull|e[nm]sp|thinsp|copy|reg"
    "|trade|times|divide|deg"
)
_ENTITY_NAMES = rf"&(?:{_NAMES}|#[0-9]{{2,6}}|#[xX][0-9a-fA-F]{{2,5}});"
#: A message without this has no residue.
SIGN = f"{_TAG}|{_ENTITY_NAMES}"

_RESIDUE = re.compile(_TAG)
_ENTITY = re.compile(_ENTITY_NAMES)

_MARKUP = re.compile(
    r"HTML|XML|XSL|SVG|JSX|CSS|Vue|React|Angular|Markdown|WordPress|(?<![A-Za-z])DOM(?![A-Za-z])|entit|escap"
    r"|网页|网站|前端|标签|标记|实体|转义|超链接|字体|浏览器|富文本|尖括号"
    r"|(?:<|&lt;)/?(?:html|head|body|title|table|t[rdh]|ul|ol|li|a|img|h[1-6]|script|style|form|input|label"
    r"|button|option|select|b|i|em|strong|code|pre|sup|sub|svg|nav|font|section|header|audio|mark)"
    r"(?:[\s/>]|&gt;)|(?:<|&lt;)!|className"
    r"|[\"'][^\"'\n<>]*</?(?:br|p|div|span)\b"  # quoted: a string in code or JSON
    r"|^[ \t]+</?(?:p|div|span)\b|<\w+\s[^<>]*style\s*=",  # indented or styled: written by hand
    re.IGNORECASE | re.MULTILINE,
)
# Where escaping is the subject, or happened on purpose.
_ESCAPING = re.compile(
    r"entit|escap|encod|decod|实体|转义|编码|解码|字符引用"
    r"|&(?:amp|#38|#x26);#?\w+;",
    re.IGNORECASE,
)
_ESCAPED_MARKUP = re.compile("特殊字符|写成|写作|代替|显示为|原样|表示")
# A tag, a quotation, or an apostrophe: no entity that is named for itself.
_ESCAPED_USE = re.compile(
    r"&lt;(?:/|!|!--)?+\w[^<>&\n]{0,60}+&(?:gt|quot|#39|amp);|[A-Za-z]&#39;[a-z]"
    r"|&quot;[^\s&][^&\n]{0,60}+&quot;|&#39;[^\s&][^&\n]{0,60}+&#39;"
)
_ESCAPED_WRAPPER = re.compile(r"&lt;/?(?:p|div|span)\b", re.IGNORECASE)
# In text that was escaped as a whole none of these is left.
_RAW = {
    "lt": re.compile("[<>]"),
    "gt": re.compile("[<>]"),
    "quot": re.compile('"'),
    "#39": re.compile("'"),
    "amp": re.compile(rf"&(?!{_ENTITY_NAMES[1:]})"),
}
# A URL ends where the attribute or the element around it does.
_BOUNDARY = re.compile(r"&(?:quot|#39|gt);|&lt;(?=/)")

# A new line would break a row of a Markdown table.
_BREAK = re.compile(r"<br\s*/?>[ \t]*+\n?", re.IGNORECASE)
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_WRAPPER = r"<{0}(?:\s+(?:class|id|dir|lang|align|data-[\w-]+)\s*=[^<>]*)?>"
_WRAPPERS = [
    (re.compile(_WRAPPER.format(tag), re.IGNORECASE), re.compile(f"</{tag}>", re.IGNORECASE), end)
    for tag, end in (("p", "\n"), ("div", "\n"), ("span", ""))
]


def html_entities(messages: Sequence[Message]) -> list[str]:
    """The messages with entities decoded where a whole message was escaped, outside code and URLs.

    Not in JSON, nor where escaping is the subject. Where markup is, a tag or a quotation must
    be escaped too; where it is not, no tag that `html_residue` would then take for its own.
    """
    contents = [content for _, content in messages]
    if not any(map(_ENTITY.search, contents)) or any(map(_ESCAPING.search, contents)):
        return contents
    decoded = [_decode(text) for text in contents]
    about = any(map(_is_markup, decoded))
    if about and any(map(_ESCAPED_MARKUP.search, contents)):
        return contents
    used = _ESCAPED_USE if about else _ENTITY
    return [
        after
        if used.search(text)
        and (about or not _ESCAPED_WRAPPER.search(text))
        and _is_escaped(text)
        and not is_json(text)
        else text
        for text, after in zip(contents, decoded, strict=True)
    ]


def html_residue(messages: Sequence[Message]) -> list[str]:
    """The messages with `<br>` as line ends and paired `<p>`, `<div>`, `<span>` taken off.

    Not in JSON, nor where the conversation is about markup.
    """
    contents = [content for _, content in messages]
    if not any(map(_RESIDUE.search, contents)):
        return contents
    if any(map(_is_markup, contents)):
        return contents
    return [text if is_json(text) else map_prose(text, _untagged) for text in contents]


def _is_escaped(text: str) -> bool:
    """Whether none of the characters that `text` has escaped stands in it as itself."""
    kinds = {entity[1:-1].lower() for entity in _ENTITY.findall(text)}
    return not any(_RAW[kind].search(text) for kind in kinds & _RAW.keys())


def _decode(text: str) -> str:
    spans = protected(_BOUNDARY.sub(lambda match: " " * len(match[0]), text))
    parts, position = [], 0
    for start, end in [*spans, (len(text), len(text))]:
        parts += [_ENTITY.sub(_character, text[position:start]), text[start:end]]
        position = end
    return "".join(parts)


def _character(match: re.Match[str]) -> str:
    character = unescape(match[0])
    unreadable = unicodedata.category(character[0]) in ("Cc", "Cs", "Cn", "Co")
    return match[0] if unreadable or character == "\ufffd" else character


def _is_markup(text: str) -> bool:
    """Whether `text` is about markup. Tags that wrap are not: class="markdown prose" is no talk."""
    for opening, _, _ in _WRAPPERS:
        text = opening.sub("", text)
    return bool(_MARKUP.search(text))


def _untagged(text: str) -> str:
    if "<" not in text:
        return text
    if not _TABLE_ROW.search(text):
        text = _BREAK.sub("\n", text)
    for opening, closing, end in _WRAPPERS:
        if len(opening.findall(text)) == len(closing.findall(text)):
            text = closing.sub(end, opening.sub("", text))
    return text
