"""Text that was decoded wrongly, or lost characters on its way."""

import re

from curation.stages.quality.finding import Exchange

#: Share of the message that is damaged. 13 of the 15 alpaca_zh rows with U+FFFD are above; one
#: old emoji in the private use area of a long message (seen in smile) is below.
MIN_SHARE = 0.01
#: Share of the message from which damage is no longer a little rubbish at the end of it.
MAX_TAIL = 0.1

# Typical wrecks: GBK text with replaced bytes (锟斤拷), uninitialised memory (烫, 屯), UTF-8 read
# as Latin-1 or cp1252 (Ã©, â€™), UTF-8 read as GBK (鐨 for 的, 锛 and 銆 for punctuation), stacked
# combining marks (kaomoji have up to four).
_DAMAGE = re.compile(
    r"[\ufffd\ue000-\uf8ff]|锟斤拷|(?:锟斤)++|烫{3,}+|屯{3,}+|[\u0300-\u036f]{8,}+"
    r"|[\u00c2-\u00f4][\u0080-\u00bf]++|â€[\u0080-\u00ff\u2000-\u2122œž]?"
    r"|[鐨銆].{0,2}|锛(?![是子刃刀头的和与、，。”」]).{0,2}"
    # Chinese read as cp1252, two characters at least: café” is one such pair, and French.
    r"|(?:[\u00e4-\u00e9\u00ef][\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]{1,2}+){2,}+"
)
#: RE2: one quick pass over single characters clears nearly every message. C1 controls are the
#: second half of most Latin-1 wrecks.
CUE = (
    "[\ufffd\ue000-\uf8ff\u0300-\u036f\u0080-\u009f\u00c2\u00c3\u00e2\u00e4-\u00e9\u00ef锟烫屯"
    "鐨锛銆]"
)
# Few of these characters are rare but honest (烫 is "hot", 锛 an adze): it takes several.
_MIN_DAMAGED = 2
# Who asks what a wreck is gets to see one, and names it.
_TALKED_ABOUT = re.compile(
    r"乱码|编码|解码|字符集|zalgo|utf-?8|gbk|unicode|U\+|内存"
    r"|(?:锟斤拷|烫烫|屯屯|锛)[”\"」’]?(?:是|的|怎|为|什么|和|出现|问题)"
    r"|(?:什么[是叫]|解释|介绍|显示|出现|看到|变成)了?[“\"「‘]?(?:锟斤拷|烫烫|屯屯|锛)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile("[。！？!?]")


def garbled(exchange: Exchange) -> float | None:
    """Damaged share of an answer, where it is `MIN_SHARE` or more.

    A good answer may end on a little rubbish: damage in the last tenth only, behind a finished
    sentence, does not count. Nor does any that is talked about.
    """
    text = exchange.answer
    matches = list(_DAMAGE.finditer(text))
    damage = sum(len(match.group()) for match in matches)
    if damage < _MIN_DAMAGED and "\ufffd" not in text:
        return None
    share = damage / len(text)
    if share < MIN_SHARE or _in_the_tail(text, matches[0].start()):
        return None
    return None if explained(exchange.prompt) or explained(text) else round(share, 4)


def explained(text: str) -> bool:
    """Whether `text` talks about damage, so that it is shown on purpose."""
    return bool(_TALKED_ABOUT.search(text))


def _in_the_tail(text: str, first: int) -> bool:
    """Whether `first`, the earliest damage, stands behind all but the end of what is said."""
    return first >= (1 - MAX_TAIL) * len(text) and bool(_SENTENCE_END.search(text, 0, first))
