"""Written Cantonese, in either script.

About one character in six of it is a character that Mandarin does not use. Short sentences may have
none; they have words that Mandarin does not use, or not in that place. Either is outweighed by as
many characters of Mandarin grammar: 佢是什么意思 asks, in Mandarin, about a Cantonese word.
"""

from functools import cache

import numpy as np
import opencc
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Characters that written Mandarin does not use.
CHARACTERS = (
    "嘅咗喺冇哋啲嚟佢嗰嘢啱攞瞓諗谂畀俾咁噉㗎喎睇搵揾攰嬲嚿乜冚唞孭揸囖冧唻餸嗌啫嘥噃啩嗱嚫嗮㩒撳揿掟"
    "脷噏乸惗逳𠺢𡃁𡃉𠻹𠸎𠮶"
)

_END = "(?:[，。！？、；!?,;…～~ \n]|$)"
_STOP = "(?:[。！？!?…～~\n]|$)"
# Written in Traditional characters, and read in Simplified ones too. A class in brackets tells what
# may stand beside a word, or with ^ what may not: 幾點解決 is not 點解.
_WORDS = (
    # Not, is, this, which, how, how much.
    r"唔[^嗯唔，。！？、…,.!?～~ \n]|[做有講食係為]咩|咩[事話料名嚟呀啊嘢]|"
    r"(?:^|[^關聯干體三])係(?:[^數指由屬為因統列]|$)|"
    r"[都真但梗]系(?:[^統列數部所]|$)|呢[個度啲位款種樣句條間隻件套張邊排家首兩齣場](?:[^假過體性]|$)|邊[個度位間隻張]|"
    r"(?:^|[，。！？你佢都知])[點点]解[^決脫釋析]|(?:^|[，。！？你佢我都該唔知])點[會做知得算用讀寫叫講]|點樣|幾[多時靚耐]|"
    # When: now, just now, yesterday, tomorrow, still, only then, already.
    r"(?:^|[^自全人國大然反從因])而家(?:[^人庭長裡中教屬族境鄉務]|$)|依家|家陣|陣間|等陣|頭先|[聽琴尋噚]日(?:[^本語文劇常]|$)|"
    r"[琴尋噚聽]晚|晏晝|[上下]晝|朝早|第日|(?:^|[我你佢都又，])成日(?:[^本常]|$)|仲[有係未要可會好想話識差掉勁貴難]|"
    rf"(?:^|[^領優首率事祖原])先[至得](?:[^到]|$)|[^領優首率事祖早原預爭佔當搶趕機為起在]先{_STOP}|未[呀啊]?[？?]|"
    # Aspects and particles.
    r"[做講食行等用上著放改問寫讀學玩整幫考煮辱帶戴]緊(?:[^急要張密湊縮迫跟接貼]|$)|[謝靚好齊用講食裝買發]晒(?:[^太日乾衣]|$)|"
    rf"[去食睇想有會話講好就]添(?:啦|喇|呀)?{_END}|[啦呀㗎]嘛|[喇囖]{_END}|[^好得行成]嘞{_END}|得[唔㗎]|得返(?:[^還]|$)|"
    # Words.
    r"屋企|鍾意|食[飯飽埋晏]|得閒|傾[偈計下]|返[去嚟]|[我你日]返[工學](?:[^校]|$)|同埋|搞掂|橫掂|好掛住|好驚|大鑊|落[雨街堂嚟]|"
    r"(?:^|[^知認意常見學共賞相膽結辨])識[講寫聽做打]|[都唔我你佢]識(?:得|$)|[我你佢]話[俾畀你我佢]|埋[單嚟]|"
    r"今次|打機|隔離屋|[我你佢]個仔|[都日]掛住|多件衫|好差$|就得$|"
    r"細路|後生仔|靚[仔女]|老豆|銀紙|雪櫃|鬼佬|傻仔|八婆|仆街|黐線|慳[錢位]|執返|[好幾]靚|(?:^|[^多])少少|"
    r"(?:^|[你我佢，])咪[以做講去有囉話理搞]|[兩三四五六七八九十百幾]蚊|[好太幾]凍"
)
#: Characters of Mandarin grammar for which Cantonese has others: 嘅 for 的, 係 for 是 …
#: Text about Cantonese is Mandarin by its words too.
_MANDARIN = (
    "[的了是這这那們们嗎吗麼么沒没吧她它您他哪]|[於于][0-9]|即[是可指睡]|字[有怎读讀]"
    "|(?:[广廣][东東]|普通)[话話][里裡裏中]|[粤粵][语語][里裡裏中]"
)
# In these they are Cantonese as well, and common.
_SHARED = "的士|[目的]的|的[確确]|了解|是非|其[他它]|酒吧|沒收"

#: Words are looked for in texts of up to so many bytes: longer Cantonese has its characters.
_SHORT = 200


def found(
    texts: pa.StringArray, own: NDArray[np.int64], han: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of n Chinese texts are Cantonese, as indices.

    own: (n,) how many of `CHARACTERS` each has. han: (n,) Han characters.
    One character or word of its own in forty Han characters is enough, if Mandarin has fewer:
    without 的, 是, 了 and their like, Mandarin does not get so far.
    """
    short = np.asarray(pc.less(pc.binary_length(texts), _SHORT))
    worded = np.zeros(len(texts), bool)
    worded[short] = pc.match_substring_regex(texts.filter(pa.array(short)), _pattern())
    rows = np.flatnonzero(worded | ((own > 0) & (own * 40 >= han)))
    candidates = texts.take(pa.array(rows))
    evidence = own[rows] + _occurrences(candidates, _pattern())
    mandarin = _occurrences(candidates, _MANDARIN) - _occurrences(candidates, _SHARED)
    return np.asarray(rows[(evidence * 40 >= han[rows]) & (evidence > mandarin)])


def _occurrences(texts: pa.StringArray, pattern: str) -> NDArray[np.int64]:
    return np.asarray(pc.count_substring_regex(texts, pattern), np.int64)


@cache
def _pattern() -> str:
    """`_WORDS` in either script; but 係 stays: its Simplified form 系 is a Mandarin word."""
    simplified = opencc.OpenCC("t2s").convert
    parts, inside = [], False
    for character in _WORDS:
        inside = {"[": True, "]": False}.get(character, inside)
        both = "".join(
            dict.fromkeys((character, character if character == "係" else simplified(character)))
        )
        parts.append(both if inside or len(both) == 1 else f"[{both}]")
    return "".join(parts)
