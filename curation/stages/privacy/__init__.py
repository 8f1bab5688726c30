"""Privacy: personal data and secrets in messages, found by shape, check digit and context.

What is found is named by its kind and never shown: neither columns nor evidence hold it, and of
the edits only `before` does.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Edit, StageResult, Turns, edited, messages_array, turns
from curation.stages.counted import Counted, drops
from curation.stages.privacy.accounts import PROVINCES
from curation.stages.privacy.redaction import FINDERS, PLACEHOLDERS, Finding, find, redact
from schemas.recipe import Privacy

__all__ = ["PLACEHOLDERS", "Finding", "find", "privacy", "redact_text", "redact_texts"]

# Only a text that matches one of these can hold anything. They are several because each is a small
# automaton: as one alternation they outgrow RE2's cache and take twenty times as long.
_SUSPECTS = (
    # seven digits of one number, or four numbers with dots
    r"(?:[0-9０-９𝟎-𝟿][^\n0-9０-９\p{Han}]{0,3}){7}"
    r"|[.．][0-9０-９]{1,3}[.．][0-9０-９]{1,3}[.．]|[0-9A-Fa-fＡ-Ｆ]{4}[:：][0-9A-Fa-f:]"
    r"|[零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖]{11}",
    # cue words of QQ and WeChat, plates
    r"(?i:[qｑ]{2}|oicq|微 ?信|[薇威徽维v]信|wei ?xin|we ?chat|vx|wx|ｖｘ|ｗｘ|v号"
    r"|加我?[vｖqｑ薇威微]|[qｑ][号群:：])|扣扣|企鹅|秋秋|球球|扣[号:：]|微❤|微芯|卫星"
    rf"|[{PROVINCES}][ \x{{3000}}]?[A-HJ-NP-Za-hj-np-zＡ-Ｚａ-ｚ]",
    # e-mail, secrets
    r"[@＠]|(?i:[(（\[{] ?at ?[)）\]}]| at )"
    r"|PRIVATE KEY|eyJ|sk-|AKIA|ASIA|AIza|gh[pousr]_|github_pat|glpat|xox|hf_|npm_|LTAI|AKID"
    r"|[spr]k_|whsec_|SG\.|ya29|dop_v1|pypi-|[密秘]钥"
    r"|(?i:api[ _-]?key|secret|access[ _-]?key|token|bearer)",
)
_ADDRESS_SUSPECT = r"[0-9０-９](?:号|弄|栋|幢|座|单元|室|组|层|楼)"


#: Columns of a batch that hold what the source says of a record.
_OF_SOURCE = ("source_id", "source_category")


def privacy(batch: pa.RecordBatch, config: Privacy) -> StageResult:
    """Column `pii`, the sorted kinds found (null where none); and what `action` asks for.

    redact: an edit per message, its rules the kinds. drop: reason `privacy`, the evidence counts
    kinds and names turns. flag: the column only. Under the first two, what the source said of a
    record (its id, its category) is redacted too; it is no message, so there is no edit.
    """
    flat = turns(batch)
    found = list(_search(flat, config))
    columns = {"pii": _column(found, len(batch))}
    if config.action == "flag":
        return StageResult(columns)
    columns |= {name: _redacted(batch.column(name), config) for name in _OF_SOURCE}
    if config.action == "drop":
        return StageResult(columns, drops=drops(found, "privacy", "kinds"))
    if not found:
        return StageResult(columns)
    edits = [Edit(p.row, p.turn, tuple(sorted(p.counts)), p.before, p.after) for p in found]
    return StageResult(columns | {"messages": messages_array(edited(flat, edits))}, edits=edits)


def _redacted(texts: pa.StringArray, config: Privacy) -> pa.StringArray:
    """`texts` redacted; null stays null."""
    redacted = pa.array(redact_texts(texts.fill_null("").to_pylist(), config), pa.string())
    return pc.if_else(texts.is_valid(), redacted, None)


def redact_text(text: str, config: Privacy) -> str:
    """`text` with placeholders for all that `config` looks for, whatever its action."""
    return redact(text, _kinds(config))[0]


def redact_texts(texts: Sequence[str], config: Privacy) -> list[str]:
    """Each of `texts` redacted; quick where little is found."""
    redacted = list(texts)
    for i in _suspects(pa.array(texts, pa.string()), config):
        redacted[i] = redact_text(texts[i], config)
    return redacted


def _kinds(config: Privacy) -> list[str]:
    left_out = {*config.ignore, *(() if config.addresses else ("address",))}
    return [kind for kind in FINDERS if kind not in left_out]


def _suspects(texts: pa.StringArray, config: Privacy) -> list[int]:
    """Which texts may hold something, by RE2 over all."""
    patterns = (*_SUSPECTS, _ADDRESS_SUSPECT) if config.addresses else _SUSPECTS
    suspect = np.zeros(len(texts), bool)
    for pattern in patterns:
        matches = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
        suspect |= matches.to_numpy(zero_copy_only=False)
    return [int(i) for i in np.flatnonzero(suspect)]


def _search(flat: Turns, config: Privacy) -> Iterator[Counted]:
    rows, kinds = flat.rows, _kinds(config)
    for i in _suspects(flat.contents, config):
        before = flat.contents[i].as_py()
        after, counts = redact(before, kinds)
        if counts:
            row = int(rows[i])
            yield Counted(row, i - int(flat.offsets[row]), before, after, counts)


def _column(found: list[Counted], rows: int) -> pa.Array:
    kinds: list[set[str]] = [set() for _ in range(rows)]
    for private in found:
        kinds[private.row] |= private.counts.keys()
    return pa.array([sorted(row) or None for row in kinds], pa.list_(pa.string()))
