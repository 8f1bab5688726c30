"""A small corpus of everything that a page may have to show."""

import json
from pathlib import Path

from starlette.testclient import TestClient

from curation.browser.app import Browser
from curation.recipes import load
from curation.run import Options, run

KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", *("Qw9x" * 16 for _ in range(40)), "-----END PRIVATE KEY-----"]
)
SPLIT = "139\u200b1357\u200b2468"
PHONE, MAIL = "13812345678", "wang.xiaoming@example.com"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LONG = "".join(f"第{n}句话说的是第{n}件事情。" for n in range(900))
RAINBOW = "彩虹是阳光经过空气中的水滴折射和反射以后形成的，通常在雨后的天空中可以看到七种颜色。"


def rows():
    """Question and answer of each record, in order."""
    yield "请说说彩虹是怎么形成的？", RAINBOW
    yield "请说说彩虹是怎么形成的？", RAINBOW.replace("七种", "七个")
    yield f"请解释这段代码：{ATTACK}", f"这是一段攻击代码：{ATTACK}，浏览器不应当执行它。"
    yield "怎样联系客服中心？", f"请拨打客服电话{PHONE}，或者写信到{MAIL}，工作日都有人接听。"
    yield (
        "請說說臺灣的氣候有什麼特點？",
        "臺灣的氣候溫暖濕潤，夏天常有颱風，冬天比較涼爽，適合種植水果。",
    )
    yield "请写一篇很长的文章。", LONG
    yield (
        "文字方向会变吗？",
        "这里有一个\u202e方向控制符，它不应当改变页面的方向，也不应当隐藏文字。",
    )
    yield "重复这句话。", "<无输出>"
    yield "怎样保存私钥？", f"把下面的私钥保存好，不要给别人看：{KEY}，然后关闭窗口。"
    yield (
        "\u0130" * 60 + "谁来接待？",
        f"请拨打{SPLIT}，{'客人请稍等。' * 160}前台的王小姐会接待您。",
    )
    for n in range(118):
        yield (
            f"请计算{n}乘以{n + 7}等于多少？",
            f"{n}乘以{n + 7}等于{n * (n + 7)}，这是乘法的结果。",
        )


def make(folder: Path, **stages: object) -> Path:
    """Run a recipe over `rows` and a line that cannot be read; gives the corpus."""
    lines = [json.dumps({"instruction": q, "output": a}, ensure_ascii=False) for q, a in rows()]
    quoted = f'{{"instruction": "电话{PHONE}", "output": '
    (folder / "mixed.jsonl").write_text("\n".join([*lines, quoted]) + "\n", encoding="utf-8")
    recipe = folder / "recipe.json"
    sources = [{"name": "mixed", "path": "mixed.jsonl", "license": "cc0-1.0"}]
    document = {"name": "mixed-corpus", "sources": sources, "stages": stages}
    recipe.write_text(json.dumps(document), encoding="utf-8")
    run(load(str(recipe), ()), folder / "out", Options(1))
    return folder / "out"


def client_of(shelf):
    """A client of the pages; a defect is raised."""
    return TestClient(Browser(shelf).app(), base_url="http://127.0.0.1")
