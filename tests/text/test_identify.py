"""Language identification."""

from time import process_time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text.identify import identify

EXAMPLES = [
    ("zh", "今天天气很好，我们去公园散步吧。"),
    ("zh", "你好"),
    ("zh", "請問附近有沒有便宜的旅館？"),
    ("zh", "用Python写一个快速排序函数"),
    ("zh", "iPhone 15 Pro Max价格"),
    ("zh", "这家店叫“鲜の每日”，很有名。"),
    ("zh", "有点解脱的感觉，早点解决吧"),
    ("zh", "防晒霜和帽子"),
    ("zh", "然而家人并不同意"),
    ("yue", "你食咗飯未呀？"),
    ("yue", "我哋聽日去邊度玩？"),
    ("yue", "點解你唔講畀佢知？"),
    ("yue", "我係香港人。"),
    ("yue", "我哋听日去边度玩？"),
    ("yue", "唔该晒，我而家返屋企食饭。"),
    ("yue", "呢間餐廳好食，不過貴少少"),
    ("zh", "“佢”是什么意思？"),
    ("zh", "粤语里「唔該」是谢谢的意思"),
    ("zh", "请问成日本公司的员工要什么条件"),
    ("zh", "抑郁下降，常识讲解，听日本音乐"),
    ("zh", "小羊咩咩叫，好嘞，然而家人在等"),
    ("ja", "ありがとう"),
    ("ja", "東京大学"),
    ("ja", "国際会議"),
    ("ja", "昨日は図書館で本を読みました。"),
    ("ja", "首相、訪米を延期"),
    ("ja", "駅前の喫茶店"),
    ("ja", "営業時間変更"),
    ("ko", "오늘은 날씨가 아주 좋습니다."),
    ("ko", "KBS 뉴스"),
    ("en", "Please summarise the following paragraph in two sentences."),
    ("en", "Thanks!"),
    ("en", "in 1998"),
    ("en", "The word 爱 means love in the Chinese language"),
    ("fr", "Je voudrais réserver une table pour deux personnes ce soir."),
    ("de", "Könnten Sie mir bitte sagen, wie spät es ist?"),
    ("ru", "Сегодня хорошая погода, пойдём гулять в парк."),
    ("th", "วันนี้อากาศดีมาก เราไปเดินเล่นกันเถอะ"),
    ("und", ""),
    ("und", "3.14159"),
    ("und", "1 + 1 = 2"),
    ("und", "……！？"),
    ("code", "def f(x):\n    return [y + x for y in range(3)]"),
    ("code", "```python\nprint('hello world, this is English')\n```"),
    ("th", "สวัสดี"),
    ("vi", "Cảm ơn bạn"),
    ("en", "Yes"),
    ("zh", "OK 好"),
    ("code", "SELECT name FROM users WHERE age > 3;"),
    ("code", "<table>\n  <tr><td>姓名</td></tr>\n</table>"),
    ("code", "int main() {\n    return 0; // 返回\n}"),
    ("code", "for i in range(3):\n    print(i)"),
    ("code", '{\n  "name": "Li",\n  "age": 3\n}'),
    ("code", "```\nx = [1, 2]\nprint(x)\n```"),
    ("code", "npm.install('x');"),
    ("code", "git commit -m 'fix'"),
    ("code", "cat a.log | sort | uniq -c"),
    ("code", "SELECT a.id\nFROM a JOIN b ON a.id = b.id;"),
    ("code", "SELECT 姓名 FROM 员工 WHERE 年龄 > 18;"),
    ("code", 'print("你好，世界")'),
    ("code", "// 主函数\nint main() { return 0; }"),
    ("code", '{"姓名": "张三", "年龄": 18}'),
    ("code", "name: build\njobs:\n  test:\n    runs-on: linux"),
    ("code", "x := 5"),
    ("code", r"^\d{3}-\d{4}$"),
    ("code", "```\nx = 1\n```"),
    ("zh", 'print("你好") 的作用是输出你好'),
    ("zh", "[苹果, 香蕉, 橘子]"),
    ("en", "select the best option from the list"),
    ("en", "from China import tea and silk"),
    ("en", "Ingredients: flour; sugar; eggs;"),
    ("en", "<b>Hello</b> everyone, welcome to my page"),
    ("en", "cat and dog"),
    ("en", "What does 好久不见 mean?"),
    ("zh", "優の良品是香港品牌"),
    ("zh", "大の字有几画"),
    ("yue", "𠮶个人系我表哥"),
    ("zh", "点解析按钮即可查看"),
    ("zh", "俾斯麥於1862年9月就任"),
    ("zh", "优化这段代码：\ndef f(x):\n    return [x for x in range(3)]"),
    ("zh", "解释这段代码 int main() {\n    return 0;\n}"),
    ("en", "Here is how you do it in Python:\n\nfor i in range(3):\n    print(i)"),
    ("en", "If you want to go there, do this:\nask for the way and return"),
    ("en", "The class will import most of what you need; please select one from the list."),
    ("und", "```\n----\n```"),
    ("und", "x = 3"),
    ("und", "https://example.org/some/english/words"),
    ("zh", "运行：\n```python\nprint('hello world, this is a long English string')\n```"),
    ("en", "This is how you print it in Python:\n```\nprint('你好，世界，今天天气很好')\n```"),
]


@pytest.mark.parametrize(("code", "text"), EXAMPLES)
def test_examples(code, text):
    assert identify([text]) == [code]


def test_a_batch_gives_what_its_texts_give():
    texts = [text for _, text in EXAMPLES]
    assert identify(pa.array(texts)) == [code for code, _ in EXAMPLES]
    assert identify(pa.array(["x", *texts]).slice(1)) == [code for code, _ in EXAMPLES]


def test_null_and_nothing():
    assert identify([]) == []
    assert identify(pa.array([None, "你好吗"], pa.string())) == ["und", "zh"]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=4))
def test_any_text_has_a_code(texts):
    codes = identify(texts)
    assert len(codes) == len(texts)
    assert all(code.isalpha() and code.islower() for code in codes)


def accuracy(code, texts):
    return sum(found == code for found in identify(texts)) / len(texts)


@pytest.mark.parametrize("code", ["zh", "ja", "ko", "en"])
def test_accuracy_on_real_sentences(code, shared_data):
    lines = (shared_data / "langid" / f"{code}.txt").read_text(encoding="utf-8").split("\n")
    sentences = [line for line in lines if len(line) >= 8]
    assert accuracy(code, sentences) >= 0.99


def test_accuracy_on_short_chinese(shared_data):
    text = (shared_data / "langid" / "zh.txt").read_text(encoding="utf-8")
    pieces = [p for line in text.split("\n") for p in line.replace("。", "，").split("，")]
    assert accuracy("zh", [p for p in pieces if 3 <= len(p) <= 7 and not p.isascii()]) >= 0.97


UNITS = [
    "唔",
    "係",
    "a",
    "a ",
    "a.",
    "a(",
    "x = ",
    "def a(",
    "<a ",
    "import a, ",
    "if (",
    "{",
    "a\n",
]


@pytest.mark.parametrize("unit", [*UNITS, "print(a)\n", "你 ", "#", "```\n", "SELECT ", "à ", "ก"])
def test_linear_time(unit):
    for start in ("", "def f(x): ", "```\n"):
        text = start + unit * (1_000_000 // len(unit))
        before = process_time()
        identify([text])
        assert process_time() - before < 1
