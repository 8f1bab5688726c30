"""Why a record left, in words a person understands, from the ledger's evidence."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.recipe import Stages

#: Reason → what it says of a record.
PHRASES = {
    # files
    "empty_file": "the file is empty",
    "is_directory": "there is a folder where the file should be",
    "permission_denied": "the file may not be read",
    "unreadable_file": "the file cannot be read",
    "unsupported_compression": "the file is compressed in a way that is not read",
    "damaged_stream": "the file is damaged from here on",
    # records that could not be read
    "invalid_json": "it is not JSON, and no safe repair makes it JSON",
    "invalid_csv": "it is not a row of CSV",
    "invalid_cell": "a cell of it cannot be read",
    "invalid_encoding": "its bytes are in none of the encodings that are tried",
    "truncated_record": "the file ends inside it",
    "record_too_large": "it is larger than a record may be",
    "too_deep": "it is nested too deeply",
    "not_an_object": "it is no JSON object",
    "unknown_format": "its keys are those of no known format",
    "wrong_format": "it is not in the format that the recipe names",
    "unknown_role": "it has a role that no format knows",
    "unsupported_role": "it has a role that a conversation of this corpus cannot have",
    "unsupported_content": "its content is no text",
    # records that were read
    "no_answer": "it has no answer",
    "no_question": "it has no question",
    "empty_after_cleaning": "cleaning left nothing of a message",
    "language": "it speaks a language that the recipe does not keep",
    "privacy": "personal data or secrets were found in it, and the recipe drops those",
    "control_tokens": "control tokens were found in it, and the recipe drops those",
    "benchmark": "it contains an item of a benchmark",
    "exact_duplicate": "it repeats another record, but for space, punctuation, width, case and "
    "script",
    "near_duplicate": "it is nearly the same as another record",
    "same_prompt": "it asks what another record asks",
    # quality
    "too_long": "it is longer than a conversation may be",
    "message_too_long": "it has a message that is longer than one may be",
    "identity": "the assistant says that it is another model",
    "placeholder_answer": "the answer is a placeholder",
    "placeholder_prompt": "the question is a placeholder",
    "no_context": "it goes on with something that is not there",
    "attachment": "it is about a picture, file or link that is not there",
    "role_leak": "the answer goes on as another speaker",
    "interface_text": "the answer is a notice of the program it was copied from",
    "wrong_language": "the answer is in another language than the question asks for",
    "echo": "the answer repeats the question",
    "repetition": "the answer repeats itself",
    "garbled": "the answer is garbled",
    "translation": "it reads like a poor machine translation",
    "refusal": "the answer refuses",
    "truncated": "the answer breaks off",
    "ignored_input": "the answer takes no notice of the text it was given",
    "untranslated": "the answer leaves words untranslated",
    "too_short": "the answer is very short",
    "boilerplate": "the answer speaks of itself as a model",
}
#: Quality rule → what was measured, and against what it was held; others found the text they name.
_MEASURES = {
    "too_long": "It has {measured} characters; the most that the recipe keeps is {threshold}.",
    "message_too_long": "Turn {turn} has {measured} characters; the most that the recipe keeps is "
    "{threshold}.",
    "wrong_language": "Of the letters of turn {turn} {share} are not Chinese.",
    "repetition": "Of turn {turn} {share} is repetition.",
    "garbled": "Of turn {turn} {share} is garbled.",
    "translation": "The model of translations judges turn {turn}.",
    "too_short": "Turn {turn} has {measured} letters; {threshold} would be enough.",
}
_SHOWN_NAMES = {"turn": "turn", "offset": "offset in the file"}


def why(decision: Mapping[str, Any], stages: Stages) -> list[str]:
    """Sentences that say why the record of a row of `DECISIONS` ended as it did; none if plain.

    stages: of the recipe. The evidence is quoted as it is: redact it before, escape it after.
    """
    evidence: dict[str, Any] = json.loads(decision["evidence"] or "{}")
    if decision["reason"] is None:
        return _of_kept(evidence)
    tell = _TELLERS.get(decision["stage"], _listed)
    phrase = PHRASES.get(decision["reason"], decision["reason"].replace("_", " "))
    if decision["stage"] == "dedup":
        phrase = _of_key(phrase, evidence["key"])
    return [f"{phrase[0].upper()}{phrase[1:]}.", *tell(evidence, decision, stages)]


def _of_key(phrase: str, key: str) -> str:
    """The phrase about a duplicate, where not the whole conversation was compared."""
    if what := {"prompt": "its questions ", "response": "its answers "}.get(key):
        phrase = phrase.replace("it repeats ", f"{what}repeat those of ")
        phrase = phrase.replace("it is nearly the same as", f"{what}are nearly those of")
    return phrase


def _of_kept(evidence: dict[str, Any]) -> list[str]:
    told = []
    if "split" in evidence:
        told.append(f"It is held out for {evidence['split']}.")
    if "benchmark" in evidence:
        told += [
            "It contains an item of a benchmark, which the recipe only flags.",
            _item(evidence),
        ]
    return told


def _listed(evidence: dict[str, Any], _decision: Mapping[str, Any], _stages: Stages) -> list[str]:
    """Evidence that speaks for itself: a name and a value each."""
    named = {_SHOWN_NAMES.get(key, key): _value(value) for key, value in evidence.items()}
    return [f"{key[0].upper()}{key[1:]}: {value}." for key, value in named.items()]


def _language(evidence: dict[str, Any], _decision: Mapping[str, Any], stages: Stages) -> list[str]:
    keep = stages.language.keep
    kept = keep if isinstance(keep, str) else ", ".join(keep)
    return [
        f"Its language is {evidence['language']} (the user's side {evidence['user']}, the "
        f"assistant's {evidence['assistant']}); the recipe keeps {kept}."
    ]


def _quality(evidence: dict[str, Any], decision: Mapping[str, Any], _stages: Stages) -> list[str]:
    measured = evidence["measured"]
    told = [
        _MEASURES.get(decision["reason"], "Found in turn {turn}: {measured}.").format(
            turn=evidence["turn"],
            measured=_value(measured),
            share=f"{measured:.0%}" if isinstance(measured, float) else "",
            threshold=_value(evidence["threshold"]),
        )
    ]
    if "words" in evidence:
        told.append(f"What spoke most against it: {_value(evidence['words'])}.")
    if "score" in evidence:
        told.append(
            f"Its quality score is {_value(evidence['score'])}, the least that the recipe keeps is "
            f"{_value(evidence['min_score'])}."
        )
    if len(evidence.get("rules", ())) > 1:
        told.append(f"Rules that found something: {', '.join(evidence['rules'])}.")
    return told


def _benchmark(
    evidence: dict[str, Any], _decision: Mapping[str, Any], _stages: Stages
) -> list[str]:
    return [_item(evidence)]


def _item(evidence: dict[str, Any]) -> str:
    subject = f" ({evidence['subject']})" if evidence["subject"] else ""
    matched = evidence["matched"].replace("_", " ")
    also = f"; also found: {', '.join(evidence['also'])}" if evidence["also"] else ""
    return (
        f"The item is {evidence['benchmark']}/{evidence['item']}{subject}: its {matched} in turn "
        f"{evidence['turn']}, score {_value(evidence['score'])}, threshold "
        f"{_value(evidence['threshold'])}{also}."
    )


def _duplicate(evidence: dict[str, Any], decision: Mapping[str, Any], stages: Stages) -> list[str]:
    what = {"prompt": "user turns", "response": "answers"}.get(evidence["key"], "messages")
    return [
        f"The row that stayed is {decision['duplicate_of']}.",
        f"Compared by {what}: {evidence['jaccard']:.1%} of their runs of {stages.dedup.ngram} "
        f"characters are in both (Jaccard); the threshold is {evidence['threshold']:.1%}.",
    ]


_TELLERS = {
    "language": _language,
    "quality": _quality,
    "decontaminate": _benchmark,
    "dedup": _duplicate,
}


def _value(value: Any) -> str:
    """A value of the evidence, as it stands in a sentence."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_value, value))
    line = str(value).replace("\n", "\\n").replace("\t", "\\t")
    return f"“{line}”"
