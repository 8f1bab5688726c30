"""Program text: source code, queries, markup and JSON, with a fence around it or without."""

import re

from curation.text.spans import prose, protected
from curation.text.structure import is_json

# What tells, and bounds the time for a long text.
_LINES, _COLUMNS, _JSON = 60, 160, 100_000

_FENCE = re.compile(r"\A(?:`{3,}+|~{3,}+)([\w+#.-]*+)[^\n]*+\n?(.*)", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]{2}")

# Lines that only a program has.
_PLAIN = re.compile(
    r"""
    \A(?:(?:async[ ])?def[ ]\w+(?:[ ]?\(|;|$)|(?:data[ ])?class[ ]\w+[ ]?(?:[:({]|extends
      |implements|$)
    | @\w[\w.]*(?:\(|$)|@(?:media|import|font-face)\b.*[{;]$
    | from[ ][\w.]+[ ]import[ ](?:[*(]|[\w.]+(?:[ ]as[ ]\w+)?(?:,[ ]?[\w.]+)*$)
    | import[ ](?:[\w.*{},\ ]+[ ]from[ ]['"].*|['"].*['"]$
      |(?:static[ ])?[\w.*]+(?:[ ]as[ ]\w+)?(?:,[ ]?[\w.]+(?:[ ]as[ ]\w+)?)*;?$)
    | \#(?:include|define|!/)|using[ ]namespace|package[ ][\w.]+;?$|use[ ][\w{}]+::|<\?(?:php|xml)
    | <!DOCTYPE|<!--|</?[a-z][\w-]*(?:[ ][^<>]*)?/?>(?:.*>)?$
    | (?:public|private|protected|static|final|void|int|float|double|char|bool|String|const|let|var
      |val)
      [ ][\w<>\[\],.*&:? ]+[ ]?(?:=[^=]|[({;].*[;{}(),]$|[;{(]$)
    | (?:function|func|fn|fun|sub)[ ][\w.]+[ ]?[(<]
    | (?:type[ ]\w+[ ]=|interface[ ]\w+|impl[ ].*[ ]for)[ ].*
    | (?:if|elif|while|for|switch|catch)[ ]?\(.*\)[ ]?(?:\{.*)?$|(?:try|match[ ]\w+)[ ]\{
    | (?:if|elif|while|with)[ ](?=.*[=<>()\[\]._]).*:$|while[ ]True:|for[ ][\w, ]+[ ]in[ ].*:$
    | (?:else|try|finally|except[ ]?[\w., ]*):$|\}[ ]?else|lambda[ ][\w, ]*:|for[ ]?\(.*
    | (?:print|printf|println|console\.\w+|System\.out\.\w+|fmt\.\w+|len|range|echo|library)[ ]?\(.*
    | \w+(?:\.\w+)+\(.*\)[;:]?$|(?:puts|echo)[ ]["'\[$]
    | (?:return|yield|raise|throw|await)[ ](?!(?:[A-Za-z]+[ ]){3}).*[=()\[\]{};+*]
    | SELECT[ ].+[ ](?:FROM|from)[ ]|WITH[ ].+[ ]AS[ ]\(|INSERT[ ]INTO[ ]
    | insert[ ]into[ ]\w+[ (]+.*values
    | select[ ](?:\*|distinct[ ].+|[\w.()*]+(?:,[ ]?[\w.()*]+)*)[ ]from[ ][\w.]+
      (?:;?$|[ ](?=where|group|order|limit))
    | UPDATE[ ].+[ ]SET[ ]|DELETE[ ]FROM[ ]|(?:CREATE|DROP|ALTER)[ ](?:TABLE|DATABASE|INDEX|VIEW)[ ]
    | \w[\w.\[\]'"]*[ ]?[-+*/|]?=[ ]?(?:.+;$|\[.*|\{.*|['"].*['"]$|\w[\w.]*\(.*\)$|lambda[ ])
    | \w+[ ](?::=|<-|[-+*/|]=)[ ]\S|\w+\[\w+\][ ]?=[ ]|\w+,[ ]?\w+[ ]=[ ]\w+,[ ]?\w+$
    | \w+(?:\+\+|--);$
    | (?:my[ ])?\$\w+[ ]?=[^$]*$|module\.exports|std::\w|assert[ ].*[=<>]|del[ ]\w+\[
    | [.\#]?[\w-][\w\ .,\#:>-]*\{(?:$|[ ]?[a-z-]+:.*\}$)|(?:[a-z-]+:[ ]?[^;A-Z]+;[ ]?){1,9}$
    | ["'][\w-]+["'][ ]?:[ ]?["'\[{\d])
    """,
    re.VERBOSE,
)
# Commands of a shell: well-known ones with a verb of theirs, an option or a path.
_SHELL = re.compile(
    r"""
    \A(?:[$>][ ])?(?:sudo[ ])?(?:
    git[ ](?:add|branch|checkout|clone|commit|config|diff|fetch|init|log|merge|pull|push|rebase
      |reset|remote|stash|status|tag)\b
    | (?:pip3?|npm|yarn|pnpm|apt(?:-get)?|brew|conda|yum|dnf|gem|cargo)
      [ ](?:install|uninstall|update|upgrade|run|build|add|init|create|list)\b
    | (?:docker(?:-compose)?|kubectl)
      [ ](?:apply|build|compose|delete|describe|exec|get|images|logs|ps|pull|push|rm|run|stop|up)\b
    | (?:ls|cd|cp|mv|rm|cat|mkdir|touch|head|tail|grep|find|sort|wc|tar|zip|unzip|chmod|chown
        |ssh|scp|ps|curl|wget|sed|awk|kill|ping|df|du|bash|sh|make|gcc|g\+\+|java|node|python3?|source|echo)
      [ ](?:[^|]*[ ])?(?:-{1,2}[A-Za-z]|\+x[ ]|>[ ]|\||&&|[\w-]*(?:\w\.[a-z]|[/$~*])[\w./$~*-]*)
    | export[ ]\w+=)
    """,
    re.VERBOSE,
)
_QUERY = re.compile(r"\bSELECT\s.{1,500}?\n\s*FROM\s|\bselect\s[^\n]{1,80}\n\s*from\s", re.DOTALL)
_SETTINGS = re.compile(r"^[a-zA-Z][\w.-]*:\n[ ]++(?:-[ ])?[a-z][\w.-]*:(?:[ ]|$)", re.MULTILINE)
_SETTING = re.compile(r"\A(?:-[ ].*|(?:-[ ])?[\w.-]+:(?:[ ](?![^'\"]*[ ]\w+[ ]\w+[ ]).*)?|#.*)\Z")
_PATTERN = re.compile(
    r"\A(?=/?\^|.*\$\Z|.*\\[dwsDWS](?![A-Za-z])|.*\][+*?{]|\(\?)"
    r"\S*(?:\\[dwsDWS](?![A-Za-z])|\[[^\]\s]*-[^\]\s]*\]|\(\?:)\S*\Z"
)
# No program is without one of these; most prose is, and need not be read line by line.
_MARK = re.compile(
    r"[({\[=;<@|]|:$|\\|:=|^[ ]*(?:import|from|class|def|package|use|puts|echo|select|SELECT|DELETE"
    r"|CREATE|DROP|ALTER|\#inc|assert|\w+\+\+;)[ ]|^[ ]*(?:[$>][ ])?[a-z+\d-]+[ ].*[\w./$~*-]",
    re.MULTILINE,
)
# A line of prose at either end introduces or explains; a sentence does so anywhere.
_WORDS = re.compile(r"[\u3400-\u9fff]{2}|(?<![A-Za-z'])[A-Za-z']{2,}+(?:[ ,]++[A-Za-z']++){3}")
_SENTENCE = re.compile(r"\A.*[\u3400-\u9fff][。？！]$")
# What a program says, and remarks on, may be in any language; but names in Han are short, have no
# grammar, and end no line but of a query.
_LITERAL = re.compile(r"\"[^\"\n]*+\"|“[^“”]*+”|'[^'\n]*+'|(?://|\#|--|/\*|<!--).*|>[^<>]*+<")
_SPOKEN = re.compile(
    r"\A[\u3400-\u9fff](?!\w*+[ ]?=)|[\u3400-\u9fff]{7}|[\u3400-\u9fff][，。！？；：、]"
    r"|[，。！？；：、][\u3400-\u9fff]|[的是了吗嗎呢這这怎什请請](?!\w*+[ ]?=)"
    r"|(?<!FROM )(?<![\u3400-\u9fff])[\u3400-\u9fff]{1,6}$"
)
_SPEECH = re.compile(r"\A[^\"'“#/*<]*[\u3400-\u9fff]{4}")  # 请优化这段代码 int main() {
# Lines that a program may have among those.
_LIKELY = re.compile(
    r"\A(?:[)}\]]+[;,]?$|[\[{(]$|(?:#|//|/\*|\*|--|%).*|.*[;{}]$|\w[\w.\[\]'\"]*[ ]?[-+*/]?=[^=].*"
    r"|(?:return|break|continue|pass|end|begin|yield|raise|if|for|while|else|elif)\b.*"
    r"|\w[\w.]*\(.*\).*|['\"]{3}.*|(?:FROM|WHERE|ORDER BY|GROUP BY|JOIN|AND|VALUES|SET|LIMIT)\b.*"
    r"|(?:puts|attr_\w+|from|where|order by|group by)[ ].*)"
)


def is_program(text: str) -> bool:
    """Whether `text` is program text: fenced and nothing said about it, or most of its lines."""
    if "```" in text or "~~~" in text:
        return _is_fenced(text.strip())
    if not _MARK.search(text):
        return False
    stripped = text.strip("` \n\t")
    if len(stripped) <= _JSON and is_json(stripped):
        return True
    if len(stripped) <= _COLUMNS and _PATTERN.match(stripped):
        return True
    lines = [line.strip()[:_COLUMNS] for line in stripped.splitlines()[: _LINES * 2]]
    lines = [line for line in lines if line][:_LINES]
    if _SETTINGS.search(stripped[: _LINES * _COLUMNS]) and all(map(_SETTING.match, lines)):
        return True
    return _is_source(lines, bool(_QUERY.match(stripped)))


def _is_plain(line: str) -> bool:
    """Whether only a program has `line`, and says nothing in it but in strings and remarks."""
    if not (_PLAIN.match(line) or _SHELL.match(line)):
        return False
    return not _SPOKEN.search(_LITERAL.sub("", line))


def _is_fenced(text: str) -> bool:
    """Whether `text` is a block of code with no words beside it."""
    if _LETTERS.search(prose(text)):
        return False
    start, end = protected(text)[0]
    match = _FENCE.match(text[start:end])
    if match is None:
        return False
    body = match[2].strip("`~")
    lines = [line.strip()[:_COLUMNS] for line in body.splitlines()[:_LINES]]
    return bool(match[1]) or is_program(body) or all(map(_LIKELY.match, filter(None, lines)))


def _is_source(lines: list[str], query: bool) -> bool:
    """Whether one of `lines` is a program's, two thirds may be, and none is a word about it.

    query: whether they begin a query, whose first line is the program's then.
    """
    plain = [_is_plain(line) for line in lines]
    plain[:1] = [query or any(plain[:1])]
    if not any(plain) or (_SPEECH.match(lines[0]) and not plain[0]):
        return False
    other = [i for i, line in enumerate(lines) if not plain[i] and not _LIKELY.match(line)]
    if any(i in (0, len(lines) - 1) and _WORDS.search(lines[i]) for i in other):
        return False
    return len(other) * 3 <= len(lines) and not any(_SENTENCE.match(lines[i]) for i in other)


def split_source(text: str) -> list[tuple[str, bool]]:
    """`text` in stretches of whole lines, each with whether it is program text without a fence.

    That is lines of which one is plainly a program's and each may be; or that are indented, behind
    a blank line, and of which one may be. Markup is not: what it says is prose.
    """
    lines = text.splitlines(keepends=True)
    bare = [line.strip()[:_COLUMNS] for line in lines]
    indented = [line.startswith(("    ", "\t")) for line in lines]
    kinds = [0 if line.startswith("<") else 2 * _is_plain(line) or _may_be(line) for line in bare]
    stretches: list[tuple[str, bool]] = []
    start = 0
    while start < len(lines):
        end = start + 1
        while end < len(lines) and (kinds[end] > 0) == (kinds[start] > 0):
            end += 1
        block = not bare[start - 1] and all(indented[start:end]) if start else indented[0]
        source = max(kinds[start:end]) > (0 if block else 1)
        stretches.append(("".join(lines[start:end]), source))
        start = end
    return stretches


def _may_be(line: str) -> int:
    """1 if a program may have `line`, among others that only a program has; else 0."""
    remark = line.startswith(("#", "//", "/*", "*", "--"))
    likely = _LIKELY.match(line) is not None
    return int(likely and (remark or not _SPOKEN.search(_LITERAL.sub("", line))))
