"""Damage is made, and must be undone exactly or left alone; what is sound must stay."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.clean.mojibake import mojibake

UNDEFINED = b"\x81\x8d\x8f\x90\x9d"


def windows(raw):
    """As Windows-1252 shows `raw`, with controls where it has nothing."""
    return "".join(chr(b) if b in UNDEFINED else bytes([b]).decode("cp1252") for b in raw)


ACCIDENTS = {
    "UTF-8 as Latin-1": lambda text: text.encode().decode("latin-1"),
    "UTF-8 as Windows-1252": lambda text: windows(text.encode()),
    "UTF-8 as GBK": lambda text: text.encode().decode("gb18030"),
    "GBK as Latin-1": lambda text: text.encode("gbk").decode("latin-1"),
    "GBK as Windows-1252": lambda text: windows(text.encode("gbk")),
    "twice": lambda text: windows(windows(text.encode()).encode()),
}


def undone(text):
    while (again := mojibake(text)) != text:
        text = again
    return text


@pytest.mark.parametrize(
    ("damaged", "sound"),
    [
        ("ä½\xa0å¥½", "你好"),
        ("ä½ å¥½", "你好"),  # an editor made the no-break space plain
        ("他说：ä½\xa0å¥½，世界", "他说：你好，世界"),
        ("浣犲ソ", "你好"),
        ("他说：浣犲ソ锛屼笘鐣屻€俛bc", "他说：你好，世界。abc"),
        ("姣斿皵路鐩栬尐", "比尔·盖茨"),
        ("ÄãºÃ£¬ÊÀ½ç", "你好，世界"),
        ("donâ€™t â€œstopâ€\x9d", "don’t “stop”"),
        ("cafÃ©, Ã©tude, FÃ¼r", "café, étude, Für"),
        ("25Â°C", "25°C"),
        ("cafÃƒÂ©", "café"),
    ],
)
def test_what_is_certain_is_repaired(damaged, sound):
    assert undone(damaged) == sound


@pytest.mark.parametrize(
    "text",
    [
        "锟斤拷烫烫烫屯屯屯",
        "\ufffd\ufffd他\ufffd",
        "“AMANHÔ”",
        "„MENÜ“ und „Ä“",
        "«café»… l’été»…",
        "é”…",
        "ÀÀÀÀ ÃÃÃÃ ÑÑÑÑ jäääär",
        "压力······了",
        "(╬Ò‸Ó) (๑ó﹏ò๑)",
        "浣犲ソ锛\ufffd",  # the end was lost
        "ä½\xa0å¥½ï¼",  # here too
        "姣斿皵路鐩栬尐°路",  # 路 alone could be a road
        "浣溪沙 溧阳 涓涓细流 棰额",
        "見 https://a.cn/Ã© `Ã©` 和 $Ã©$",
        "Ω≈ç√∫˜µ≤",
        "naïve café résumé Ångström",
    ],
)
def test_what_is_not_certain_stays(text):
    assert mojibake(text) == text


CLEAN = st.text(
    st.characters(codec="gbk", exclude_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=12
)


@given(
    st.lists(
        st.sampled_from("的一是不了在人有我他这为之大来以个中上们，。！？“”…é àñü°·"), max_size=30
    )
)
def test_common_text_never_changes(characters):
    text = "".join(characters)
    assert mojibake(text) == text


@given(CLEAN, st.sampled_from(sorted(ACCIDENTS)))
def test_damage_to_chinese_is_undone_exactly_or_left_alone(text, accident):
    sentence = f"我们今天说：{text}。"
    try:
        damaged = ACCIDENTS[accident](sentence)
    except UnicodeError:
        return
    after = mojibake(damaged)
    steps = {damaged, sentence} | ({windows(sentence.encode())} if accident == "twice" else set())
    assert after in steps


def sentences(shared_data):
    for path in sorted((shared_data / "langid").glob("*.txt")):
        yield path.stem, path.read_text("utf-8").splitlines()


def test_sentences_of_ten_languages_stay(shared_data):
    changed = [
        line for _, lines in sentences(shared_data) for line in lines if undone(line) != line
    ]
    # Three German ones hold damage of their own: all of it is Ã¼ and Ã¤.
    assert all("Ã" in line and "Ã" not in undone(line) for line in changed)
    assert len(changed) <= 3


def test_traditional_paragraphs_stay(shared_data):
    drcd = json.loads((shared_data / "script/drcd_dev_traditional.json").read_text("utf-8"))
    for paper in drcd["data"]:
        for paragraph in paper["paragraphs"]:
            assert mojibake(paragraph["context"]) == paragraph["context"]


@pytest.mark.parametrize("accident", ACCIDENTS)
def test_damaged_sentences_are_repaired_exactly_or_left_alone(shared_data, accident):
    recovered = total = 0
    for language, lines in sentences(shared_data):
        for line in random.Random(1).sample(lines, 120):
            try:
                damaged = ACCIDENTS[accident](line)
            except UnicodeError:
                continue
            if damaged == line or undone(line) != line:
                continue
            after = mojibake(damaged)
            assert after in (line, damaged) or accident == "twice", (language, line)
            if language == "zh":
                total += 1
                recovered += undone(damaged) == line
    assert recovered >= 0.85 * total
