"""What the page calls its parts; the browser's language chooses."""

ENGLISH = {
    "adapter": "With the adapter",
    "base": "Base model",
    "question": "Question",
    "ask": "Ask",
    "stop": "Stop",
    "new": "New conversation",
    "settings": "Settings",
    "system": "System text (begins a new conversation)",
    "temperature": "Temperature (0: always the likeliest token)",
    "top_p": "Top-p",
    "length": "Longest answer, tokens",
    "seed": "Seed (of both)",
}
CHINESE = {
    "adapter": "微调后",
    "base": "原模型",
    "question": "问题",
    "ask": "提问",
    "stop": "停止",
    "new": "新对话",
    "settings": "设置",
    "system": "系统提示（修改后开始新对话）",
    "temperature": "温度（0：总取概率最大的词元）",
    "top_p": "Top-p",
    "length": "回答的最大词元数",
    "seed": "随机种子（两边相同）",
}
