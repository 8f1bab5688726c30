"""Who speaks: the role names of many data sets, in one table."""

from collections.abc import Mapping

_NAMES = {
    "system": "system 系统 系统提示 developer",
    "user": """user human client usr patient questioner customer student instruction query question
        prompter seeker 用户 人类 提问者 患者 病人 客户 来访者 求助者 咨询者 问 提问 学生""",
    "assistant": """assistant gpt bot chatgpt bing bard claude model ai chatbot llm
        counselor counsellor therapist doctor supporter teacher answer response
        助手 助理 机器人 回答者 医生 客服 咨询师 心理咨询师 答 回答 老师 模型""",
}
ALIASES = {name: role for role, names in _NAMES.items() for name in names.split()}

#: Names that need no mention: the three roles and ShareGPT's own words for two of them.
COMMON = frozenset({"system", "user", "assistant", "human", "gpt"})

#: Turns of tool use, which the published schema has no place for.
UNSUPPORTED = frozenset(
    {"tool", "function", "observation", "function_call", "function_response", "ipython", "tools"}
)


def role_table(extra: Mapping[str, str]) -> dict[str, str]:
    """Role name → system, user or assistant; `extra` is the recipe's, and wins."""
    return ALIASES | {name.lower(): role for name, role in extra.items()} | dict(extra)
