"""Protected parts of a text."""

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text.spans import map_prose, protected


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in protected(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("没有代码，也没有网址。", []),
        ("看：\n```python\nx = 1\n```\n好了", ["```python\nx = 1\n```"]),
        ("看：```python\nx = 1```好了", ["```python\nx = 1```"]),
        ("看：\n```\nx = 1\n没有结束", ["```\nx = 1\n没有结束"]),
        ("````md\n```\nx\n```\n````\n完", ["````md\n```\nx\n```\n````"]),
        ("~~~sh\nls\n~~~\n完", ["~~~sh\nls\n~~~"]),
        ("~~~\nls", ["~~~\nls"]),
        ("好的~~~谢谢~~~", []),
        ("~~~哈哈，开心", []),
        ("用`print(x)`输出，再用``a``。", ["`print(x)`", "``a``"]),
        ("一个落单的`反引号", []),
        ("一行```x = 1```里", ["```x = 1```"]),
        ("见https://example.org/a?b=c#d。谢谢", ["https://example.org/a?b=c#d"]),
        ("(http://example.org/a).", ["http://example.org/a"]),
        ("网址www.example.org是它", ["www.example.org"]),
        ("见 https://zh.example.org/wiki/臺灣。", ["https://zh.example.org/wiki/臺灣"]),
        ("https://a.org/臺灣/歷史?q=電腦&p=1#歷史 看", ["https://a.org/臺灣/歷史?q=電腦&p=1#歷史"]),
        ("www.a.org/wiki/Category:臺灣_(島)", ["www.a.org/wiki/Category:臺灣_(島"]),
        ("http://臺灣.tw/圖書館", ["http://臺灣.tw/圖書館"]),
        ("見https://a.org/docs說明文件", ["https://a.org/docs"]),
        ("https://a.org/是我的網站", ["https://a.org/"]),
        ("https://a.org/來看看我們的網站吧", ["https://a.org/"]),
        ("https://a.org/docs/這是我的網站", ["https://a.org/docs/"]),
        ("https://a.org/wiki/這個殺手不太冷 看", ["https://a.org/wiki/這個殺手不太冷"]),
        ("(https://a.org/wiki/我的少女時代)", ["https://a.org/wiki/我的少女時代"]),
        ("https://a.org/網站首頁入口頁面列表 看", ["https://a.org/網站首頁入口頁面列表"]),
        ("https://a.org/搜尋?關鍵字=機器學習 看", ["https://a.org/搜尋?關鍵字=機器學習"]),
        ("https://a.org/s?關鍵字=學習 看", ["https://a.org/s?關鍵字=學習"]),
        ("https://a.org/檔/報告_2023年總結.pdf。", ["https://a.org/檔/報告_2023年總結.pdf"]),
        ("https://a.org/馬克·吐溫/生平 看", ["https://a.org/馬克·吐溫/生平"]),
        ("https://a.org/報告%20總結 看", ["https://a.org/報告%20總結"]),
        ("https://a.org/電腦,軟體 看", ["https://a.org/電腦,軟體"]),
        ("https://測試.台灣/關於我們 看", ["https://測試.台灣/關於我們"]),
        ("http://測試.台灣的網站", ["http://測試.台灣"]),
        ("https://a.org/wiki/臺灣,裡面有說明。", ["https://a.org/wiki/臺灣"]),
        ("https://a.org/點擊右上角的按鈕即可註冊，", ["https://a.org/"]),
        ("https://a.org:說明，http://a.org.", ["https://a.org", "http://a.org"]),
        ("http://[::1]/x和http://localhost:80/", ["http://[::1]/x", "http://localhost:80/"]),
        ("写信到li.lei@example.com.cn吧", ["li.lei@example.com.cn"]),
        ("微博@某人，价格$5到$10", []),
        (
            "设$x^2+1$和$$\\int f$$，\\(a\\)与\\[b\n+c\\]",
            ["$x^2+1$", "$$\\int f$$", "\\(a\\)", "\\[b\n+c\\]"],
        ),
    ],
)
def test_protected_parts(text, expected):
    assert found(text) == expected


def test_function_sees_only_prose():
    text = "改我`不改`改我 https://example.org/a 改我"
    seen = []
    assert map_prose(text, lambda part: seen.append(part) or part.replace("改", "换")) == (
        "换我`不改`换我 https://example.org/a 换我"
    )
    assert seen == ["改我", "改我 ", " 改我"]


markup = st.text(alphabet="`~$\\()[]\n @.:/wht p中a1", max_size=60)


@given(markup)
def test_parts_are_ordered_and_identity_changes_nothing(text):
    spans = protected(text)
    assert all(start < end for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert map_prose(text, lambda part: part) == text


FENCES = ["`", "```", "`` ", "``` `", "`a\n", "~", "~~~\n", "\n \t"]
FORMULAS = ["$", "$$", "$ a", "$x\n", "\\(", "\\[", "\\(a\\"]
ADDRESSES = ["@", "a@", "@a.", "a.", "www.", "http://", "http://.", "http://a/", "a/?", "_("]
NAMES = ["http://灣", "http://a/灣", "/灣", "灣.", "灣", ":灣", "http://a/灣灣灣灣灣灣灣灣灣"]


@pytest.mark.parametrize("unit", [*FENCES, *FORMULAS, *ADDRESSES, *NAMES])
def test_linear_time(unit):
    for start in ("`@$", "http://a/"):
        text = start + unit * (1_000_000 // len(unit))
        before = process_time()
        protected(text)
        assert process_time() - before < 1
