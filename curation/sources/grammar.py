"""Patterns over JSON bytes: what a record looks like inside, and what stands between records.

Possessive quantifiers (`++`, `*+`) keep every pattern linear. Commas are optional everywhere: the
parser that reads the record afterwards is the one to refuse it.
"""

import re


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


STRING = rb'"(?:[^"\\]++|\\.)*+"'
_KEY = STRING + rb"\s*+:\s*+"
_SCALAR = rb"(?:" + STRING + rb"|true|false|null|NaN|-?Infinity|-?\d[\d.eE+\-]*+)"
_MEMBERS = rb"[\s,]*+(?:" + _KEY + _SCALAR + rb"[\s,]*+)*+"
_ELEMENTS = rb"[\s,]*+(?:" + _SCALAR + rb"[\s,]*+)*+"

# In an object or an array: up to and including the next bracket that is not inside a string.
IN_OBJECT = _compiled(_MEMBERS + rb"(?:\}|" + _KEY + rb"[{\[])")
IN_ARRAY = _compiled(_ELEMENTS + rb"[{\[\]]")
# The same as far as it goes, and what may stand there if only the rest is missing.
OBJECT_SO_FAR = _compiled(_MEMBERS + rb"(?:" + STRING + rb"\s*+(?::\s*+)?+)?+")
ARRAY_SO_FAR = _compiled(_ELEMENTS)
UNFINISHED = _compiled(rb'(?:"(?:[^"\\]++|\\.)*+\\?|-?[a-zA-Z]{0,8})\Z')

FIRST_KEY = _compiled(rb"\{\s*+(" + STRING + rb")\s*+:")

# Between records. A stray closing bracket holds no data; a list of records opens with `[{`.
GLUE = _compiled(rb"(?:[\s,\]}]|\xef\xbb\xbf|\[(?=[\s,]*+\[?[\s,]*+\{))*+")
# A scalar that is an element of its own: a comma, a closing bracket or the line's end follows.
ALONE = _compiled(_SCALAR + rb"(?=\s*+(?:[,\]]|\Z)|[ \t\r]*+\n)")

# In an object that wraps the list of records.
MEMBER = _compiled(rb"[\s,]*+(" + STRING + rb")\s*+:\s*+")
SCALAR = _compiled(_SCALAR)
LIST_OF_OBJECTS = _compiled(rb"\[\s*+(?=\{)")
WRAPPED_KEY = _compiled(_KEY + rb"(?:" + _SCALAR + rb")?+")
