"""The ledger's evidence in words. Every value in it may be text of the corpus."""

from collections.abc import Callable, Mapping
from typing import Any

Evidence = Mapping[str, Any]


def in_words(stage: str, reason: str, evidence: Evidence) -> str:
    """Why a record left, as its evidence tells."""
    teller = _TELLERS.get(reason) or _TELLERS.get(stage) or _plain
    return teller(evidence)


def _plain(evidence: Evidence) -> str:
    return "; ".join(f"{name}: {_value(value)}" for name, value in evidence.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {n}" for name, n in value.items())
    return str(value)


def _read(evidence: Evidence) -> str:
    offset = evidence.get("offset")
    rest = {name: value for name, value in evidence.items() if name not in ("offset", "excerpt")}
    at = [f"at byte {offset:,} of the file"] if isinstance(offset, int) else []
    return "; ".join([*at, *[_plain(rest)] * bool(rest)])


def _language(evidence: Evidence) -> str:
    return (
        f"the conversation is in “{evidence['language']}” (user: {evidence['user']}, "
        f"assistant: {evidence['assistant']})"
    )


def _counted(evidence: Evidence) -> str:
    kinds = evidence.get("kinds") or evidence.get("families") or {}
    messages = ", ".join(str(turn + 1) for turn in evidence.get("turns", []))
    return f"{_value(kinds)}, in message {messages}"


#: What a number is that a quality rule measured.
_MEASURED = {
    "garbled": "share of damaged characters",
    "repetition": "share of the answer that repeats itself",
    "wrong_language": "share of letters that are not Chinese",
    "too_short": "letters",
    "message_too_long": "characters",
}


def _quality(evidence: Evidence) -> str:
    measured, limit = evidence["measured"], evidence["threshold"]
    expected = f"expected {limit}" if isinstance(limit, str) else f"limit {_rounded(limit)}"
    what = "" if isinstance(measured, str) else _MEASURED.get(evidence["rule"], "measured") + " "
    told = [f"message {evidence['turn'] + 1}: {what}{_rounded(measured)}, {expected}"]
    if "score" in evidence:
        told.append(f"quality {evidence['score']:.4g}, below {evidence['min_score']}")
    others = [rule for rule in evidence.get("rules", []) if rule != evidence["rule"]]
    return "; ".join([*told, *[f"also found: {', '.join(others)}"] * bool(others)])


def _translation(evidence: Evidence) -> str:
    words = " ".join(f"“{_on_a_line(word)}”" for word in evidence.get("words", []))
    return f"score {evidence['score']:.4g}, below {evidence['min_score']}; most against it: {words}"


def _too_long(evidence: Evidence) -> str:
    return f"{evidence['measured']:,} characters, more than {evidence['threshold']:,}"


def _benchmark(evidence: Evidence) -> str:
    subject = f" ({evidence['subject']})" if evidence["subject"] else ""
    also = evidence["also"]
    told = (
        f"message {evidence['turn'] + 1} contains item {evidence['item']} of "
        f"{evidence['benchmark']}{subject}: {evidence['matched'].replace('_', ' ')}, "
        f"score {evidence['score']:.4g}, threshold {evidence['threshold']}"
    )
    return f"{told}; also {', '.join(also)}" if also else told


def _exact(evidence: Evidence) -> str:
    return f"compared by {evidence['key']}: the same but for width, case, punctuation and the like"


def _near(evidence: Evidence) -> str:
    return (
        f"compared by {evidence['key']}: exact Jaccard {evidence['jaccard']:.3f}, "
        f"threshold {evidence['threshold']}"
    )


def _empty(evidence: Evidence) -> str:
    rules = ", ".join(evidence["rules"])
    return f"message {evidence['turn'] + 1}: {evidence['characters']:,} characters went by {rules}"


def _rounded(value: Any) -> str:
    if isinstance(value, str):
        return f"“{value}”"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def _on_a_line(text: str) -> str:
    return text.replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")


#: By reason or, where all reasons of a stage are told alike, by stage.
_TELLERS: dict[str, Callable[[Evidence], str]] = {
    "read": _read,
    "empty_after_cleaning": _empty,
    "language": _language,
    "privacy": _counted,
    "control_tokens": _counted,
    "quality": _quality,
    "translation": _translation,
    "too_long": _too_long,
    "message_too_long": _too_long,
    "benchmark": _benchmark,
    "exact_duplicate": _exact,
    "near_duplicate": _near,
    "same_prompt": _near,
}
