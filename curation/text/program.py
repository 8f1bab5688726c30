"""Program text: source code, queries, markup and JSON, with a fence around it or without."""

import re

from curation.text.spans import prose, protected

# What tells, and bounds the time for a long text.
_LINES, _COLUMNS = 60, 160

_FENCE = re.compile(r"\A(?:`{3,}+|~{3,}+)([\w+#.-]*+)[^\n]*+\n?(.*)", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]{2}")

# Lines that only a program has.
_PLAIN = re.compile(
    r"""
    \A(?:(?:async[ ])?def[ ]\w+[ ]?\(|class[ ]\w+[ ]?(?:[:({]|extends|implements)|@\w[\w.]*(?:\(|$)
    | from[ ][\w.]+[ ]import[ ]
    | import[ ][\w.*{}\ ,]+(?:[ ]from[ ]['"].*|;|$)
    | \#(?:include|define|!/)|using[ ]namespace|package[ ][\w.]+;|<\?php|<!DOCTYPE|<!--
    | </?[a-z][\w-]*(?:[ ][^<>]*)?/?>
    | (?:public|private|protected|static|final|void|int|float|double|char|bool|String|const|let|var)
      [ ][\w<>\[\],.*& ]+[ ]?(?:=[^=]|[({;])
    | (?:function|func|fn|sub)[ ]\w+[ ]?[(<]
    | (?:if|elif|while|for|switch|catch)[ ]?\(.*\)[ ]?\{?$
    | (?:if|elif|while|with)[ ](?=.*[=<>()\[\]._]).*:$|while[ ]True:|for[ ][\w, ]+[ ]in[ ].*:$
    | (?:else|try|finally|except[ ]?[\w., ]*):$|\}[ ]?else
    | (?:print|printf|println|console\.\w+|System\.out\.\w+|fmt\.\w+|len|range|echo)[ ]?\(.*
    | \w+(?:\.\w+)+\(.*\)[;:]?$|(?:return|yield|raise|throw|await)[ ].*[=()\[\]{};+*]
    | (?:SELECT|select)[ ].+[ ](?:FROM|from)[ ]|(?:INSERT|insert)[ ](?:INTO|into)[ ]
    | UPDATE[ ].+[ ]SET[ ]|DELETE[ ]FROM[ ]|(?:CREATE|DROP|ALTER)[ ](?:TABLE|DATABASE|INDEX|VIEW)[ ]
    | \w[\w.\[\]'"]*[ ]?[-+*/|]?=[ ]?(?:.+;$|\[.*|\{.*|['"].*['"]$|\w[\w.]*\(.*\)$|lambda[ ])
    | [.\#]?[\w-][\w\ .,\#:>-]*\{$|[\w-]+:[ ].+;$|["'][\w-]+["'][ ]?:[ ]?["'\[{\d])
    """,
    re.VERBOSE,
)
# No program is without one of these; most prose is, and need not be read line by line.
_MARK = re.compile(
    r"[({\[=;<@]|:$|^[ ]*(?:import|from|class|select|SELECT|DELETE|CREATE|DROP|ALTER|\#inc)[ ]",
    re.MULTILINE,
)
# A line of prose at either end introduces or explains; a sentence does so anywhere.
_WORDS = re.compile(r"[\u3400-\u9fff]{2}|(?<![A-Za-z'])[A-Za-z']{2,}+(?:[ ,]++[A-Za-z']++){3}")
_SENTENCE = re.compile(r"\A.*[\u3400-\u9fff][。？！]$")
_SPEECH = re.compile(r"\A[^\"'“#/*<]*[\u3400-\u9fff]{4}")  # 请优化这段代码 int main() {
# Lines that a program may have among those.
_LIKELY = re.compile(
    r"\A(?:[)}\]]+[;,]?$|[\[{(]$|(?:#|//|/\*|\*|--|%).*|.*[;{}]$|\w[\w.\[\]'\"]*[ ]?[-+*/]?=[^=].*"
    r"|(?:return|break|continue|pass|end|begin|yield|raise|if|for|while|else|elif)\b.*"
    r"|\w[\w.]*\(.*\).*|['\"]{3}.*|(?:FROM|WHERE|ORDER BY|GROUP BY|JOIN|AND|VALUES|SET|LIMIT)\b.*)"
)


def is_program(text: str) -> bool:
    """Whether `text` is program text: fenced and nothing said about it, or most of its lines."""
    if "```" in text or "~~~" in text:
        return _is_fenced(text.strip())
    if not _MARK.search(text):
        return False
    lines = [line.strip()[:_COLUMNS] for line in text.strip("`").splitlines()[: _LINES * 2]]
    return _is_source([line for line in lines if line][:_LINES])


def _is_fenced(text: str) -> bool:
    """Whether `text` is a block of code with no words beside it."""
    if _LETTERS.search(prose(text)):
        return False
    start, end = protected(text)[0]
    match = _FENCE.match(text[start:end])
    return match is not None and (bool(match[1]) or is_program(match[2].strip("`~")))


def _is_source(lines: list[str]) -> bool:
    """Whether one of `lines` is a program's, two thirds may be, and none is a word about it."""
    plain = [_PLAIN.match(line) is not None for line in lines]
    if not any(plain) or _SPEECH.match(lines[0]):
        return False
    other = [i for i, line in enumerate(lines) if not plain[i] and not _LIKELY.match(line)]
    if any(i in (0, len(lines) - 1) and _WORDS.search(lines[i]) for i in other):
        return False
    return len(other) * 3 <= len(lines) and not any(_SENTENCE.match(lines[i]) for i in other)
