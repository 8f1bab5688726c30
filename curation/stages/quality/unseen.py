"""Prompts about a picture, a file or an article that is not there.

Translated Alpaca has hundreds: "描述这张照片。 [插入照片]", "总结这篇文章。 <文章链接>", "分析
这部政治漫画。". An answer that does not say so was invented.
"""

import re

MEDIA = "图片|图像|照片|相片|截图|插图|视频|音频|录音|附件|画作|绘画|流程图|条形图|折线图|饼图"
_TEXTS = "文章|论文|演讲|作品|诗歌?|链接|网站|网址|数据集|数据表|纪要|卡通条"

#: RE2: words of the places and the pointers below.
CUE = (
    rf"(?i){MEDIA}|图表|示意图|设计图?|音符|演示文稿|漫画|海报|名画|!\[|\.(?:jpe?g|png|gif|mp3|mp4|wav)|youtu"
    rf"|[<\[【＜][^\]>】＞\n]{{0,30}}(?:{_TEXTS}|插入)"
)
# Alone on its line, or at the end of the prompt: "[插入照片]", "<image>". What tells what there is
# to see is no such place: "[一个人在树林里散步的照片]", "[照片：夕阳下的海滩]".
_TOLD = (
    r"(?!插入|在此|此处|附|链接|输入|提供|给定|显示|来自|徽标|标志)"
    r"[^\]>】）)＞\n]{1,30}的(?:照片|图片|图像|画作)[\]>】）)＞]"
)
_PLACE = re.compile(
    rf"^[ \t]*+[<\[【（(＜](?!{_TOLD})[^\]>】）)＞\n]{{0,30}}(?:{MEDIA}|图表)"
    r"[^\]>】）)＞\n:：]{0,8}[>\]】）)＞][ \t]*+$"
    r"|^[ \t]*+<(?:image|img|video|audio)>[ \t]*+$"
    # Behind the task on its line: "描述图片。[插入图片]". A list is data: "[“阅读”、“绘画”]".
    rf"|[：:。][ \t]*+[<\[【＜](?!{_TOLD})[^\]>】）)＞\n“”\"、,，]{{0,30}}(?:{MEDIA}|图表)"
    r"[^\]>】）)＞\n:：“”\"、,，]{0,8}[>\]】＞][ \t]*+$"
    r"|\n[<\[]?附上?(?:照片|图片|图像|图)[>\]]?。?\Z",
    re.MULTILINE | re.IGNORECASE,
)
# The last line of a prompt that works on a text: "[插入文章]", "<文章链接>".
_TEXT_PLACE = re.compile(
    rf"[\n：:。][ \t]*+[<\[【＜](?:在此)?(?:[^\]>】＞\n、，]{{0,30}}(?:{_TEXTS})"
    r"[^\]>】＞\n、，]{0,4}|(?:插入|链接)[^\]>】＞\n、，]{0,16})[>\]】＞]\s*+\Z"
)
# Such a place can do for what is about its topic.
_TOPIC_DOES = re.compile("可视化|建议|号召|模板|占位|标签|语法|邮件|[写编]一|训练")
_ADDRESS = re.compile(
    r"^(?:!?\[[^\]\n]{0,40}\]|<im(?:g|age)[^\n>]{0,20}|(?:图片|图像|照片|视频"
    r"|音频)[^\n:：]{0,6}[:：])?[ (（“\"]*+"
    r"(?:https?://[^\s)）]{1,300}?\.(?:jpe?g|png|gif|webp|mp[34]|wav)\b"
    r"|https?://images\.unsplash\.com/|https?://(?:www\.)?youtu(?:be\.com/watch|\.be/))",
    re.MULTILINE | re.IGNORECASE,
)
# What such an address is for, when it is not to be looked at.
_HANDLES_ADDRESS = re.compile(
    "代码|编程|函数|脚本|html|css|markdown|网址|链接|url|域名|下载|搜索结果|引用|嵌入|json|正则"
    "|翻译",
    re.IGNORECASE,
)
_CODE = re.compile(r"</?(?:div|span|script|body|table|ul|li|p|a)\b|```|=>|\bfunction\b")
# A task of one line that points at a picture: "描述这张图片", "给定一张照片，…", "确定照片中…".
_TASK = re.compile(
    r"\A(?:请你?|帮我)?(?:用|为|给|根据|看|查|描述|分析|解释|[识确][别定]|猜|写|列|评|总结|判断|标记"
    r"|预测|检测|说|告诉|详细|文本化|比较|这[张幅])"
)
_POINTER = re.compile(
    r"(?:给定|以下|下[面列]|上[面述]|这|此|该|所附|提供的)的?(?:以下|一)?[张幅部个组]?"
    r"(?:的|政治|艺术|黑白|汽车)?(?:照片|图片|图像|漫画|绘画|画作|名画|插图|海报|(?:股票市场)?图表)"
    r"|\A(?:[识确][别定]|列出|描述|分析|解释)[^，。\n]{0,3}(?:照片|图片|图像)[中里]"
    r"|\A(?:请你?|帮我)?(?:总结|描述|分析|解释|根据|评|看)[^，。\n]{0,6}附件[中里]"
)
# Then a description, a name or a program does without it.
_DOES_WITHOUT = re.compile(
    r"[“”\"《》「」:：=_`\[]|代码|编程|算法|函数|脚本|程序|网络|模型|方法|步骤|流程|如何|怎|工具|软件|技术|任务"
    r"|系统|应用|数据|格式|文件|分类|区别|优点|功能|生成以下|创[建作]以下|设计|制作|画[一出]|[a-z]{2}",
    re.IGNORECASE,
)


def place(prompt: str) -> re.Match[str] | None:
    """Where `prompt` has, names or points at what is not there."""
    return _PLACE.search(prompt) or _text_place(prompt) or _address(prompt) or _pointer(prompt)


def _text_place(prompt: str) -> re.Match[str] | None:
    return None if _TOPIC_DOES.search(prompt) else _TEXT_PLACE.search(prompt)


def _address(prompt: str) -> re.Match[str] | None:
    if _HANDLES_ADDRESS.search(prompt.split("\n", 1)[0]) or _CODE.search(prompt):
        return None
    return _ADDRESS.search(prompt)


def _pointer(prompt: str) -> re.Match[str] | None:
    task = prompt.rstrip(" :：")
    if "\n" in task or not _TASK.match(task) or _DOES_WITHOUT.search(task):
        return None
    return _POINTER.search(task)
