"""Secrets: private keys, JSON web tokens, keys of common services."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>(?:[^-]|-(?!----))*+)-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
)
_CUT_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s|\\n|\\r)*+(?P<body>[A-Za-z0-9+/=]{30,}+(?:(?:\s|\\n|\\r)++[A-Za-z0-9+/=]{30,}+)*+)"
)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/]{30}")
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]{10,}+"
)
_API_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
      sk-(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9_-]{20,}+                  # OpenAI, Anthropic, DeepSeek
    | (?:AKIA|ASIA)[A-Z0-9]{16} | AIza[A-Za-z0-9_-]{35}             # AWS, Google
    | gh[pousr]_[A-Za-z0-9]{30,}+ | github_pat_[A-Za-z0-9_]{22,}+ | glpat-[A-Za-z0-9_-]{20,}+
    | xox[abeoprs]-[A-Za-z0-9-]{10,}+ | hf_[A-Za-z0-9]{30,}+ | npm_[A-Za-z0-9]{36}
    | LTAI[A-Za-z0-9]{12,26} | AKID[A-Za-z0-9]{13,40}               # Aliyun, Tencent
    | gsk_[A-Za-z0-9]{40,}+                                         # Groq
    | [spr]k_(?:live|test)_[A-Za-z0-9]{16,}+ | whsec_[A-Za-z0-9]{24,}+
    | SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64} | ya29\.[A-Za-z0-9_-]{30,}+
    | dop_v1_[a-f0-9]{64} | pypi-AgEI[A-Za-z0-9_-]{30,}+ | \d{8,10}:AA[A-Za-z0-9_-]{33}
    )(?![A-Za-z0-9_])""",
    re.VERBOSE,
)
#: A value without a form of its own, after its name: 20 characters or more, letters and digits.
_NAMED_KEY = re.compile(
    r"""(?<![A-Za-z])
    (?:api[ _-]?key|app[ _-]?secret|secret[ _-]?(?:access[ _-]?)?key|client[ _-]?secret
    |access[ _-]?key(?:[ _-]?secret)?|access[ _-]?token|auth[ _-]?token|bearer|密钥|秘钥)
    ["']?(?:\s|[:=]|是|为){1,4}["']?
    (?P<key>(?=[A-Za-z_/+.-]{0,40}\d)(?=[0-9_/+.-]{0,40}[A-Za-z])
      [A-Za-z0-9_/+.-]{20,200}+={0,2})""",
    re.VERBOSE | re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(
    r"://(?P<key>[A-Za-z0-9._%+-]{1,64}:[^\s:@/\"'<>(){}\[\]$]{3,64})@[A-Za-z0-9]"
)
_DUMMY = re.compile(
    r"example|your|x{4}|\*{3}|\.\.\.|here|placeholder|dummy|12345678901234567890",
    re.IGNORECASE | re.DOTALL,
)
_DUMMY_PASSWORD = re.compile(
    r"\A(?i:.*:(?:pass(?:word|wd)?|pwd|secret|密码|your.*|my.*|x+|\*+|\.+|token|example))"
)


def private_key(folded: str) -> Iterator[Span]:
    """PEM blocks with key material in them, also cut off before their end."""
    for pattern in (_PRIVATE_KEY, _CUT_PRIVATE_KEY):
        for match in pattern.finditer(folded):
            if _KEY_MATERIAL.search(match["body"]):
                yield match.span()


def jwt(folded: str) -> Iterator[Span]:
    """JSON web tokens (RFC 7519) with header, claims and signature."""
    yield from (match.span() for match in _JWT.finditer(folded))


def api_key(folded: str) -> Iterator[Span]:
    """Keys that their prefix or name tells, and user:password in a URL. Not xxxx and YOUR_KEY."""
    for match in _API_KEY.finditer(folded):
        if _is_random(match[0]):
            yield match.span()
    for match in _NAMED_KEY.finditer(folded):
        if _is_random(match["key"]):
            yield match.span("key")
    for match in _PASSWORD_IN_URL.finditer(folded):
        if not _DUMMY_PASSWORD.fullmatch(match["key"]):
            yield match.span("key")


def _is_random(key: str) -> bool:
    """Whether the value is made of many signs: random ones of 16 and more have 8 at least."""
    return len(set(key)) >= 8 and not _DUMMY.search(key[:200])
