"""Why a record left, in words a person understands, from the ledger's evidence."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.recipe import Stages

#: Stage → reason → what it says of a record. Explain, the browser and the report all read it here.
REASONS: dict[str, dict[str, str]] = {
    "read": {
        "no_answer": "It has no answer.",
        "no_question": "It has no question.",
        "empty_file": "The file is empty.",
        "is_directory": "A folder stands where the file should be.",
        "permission_denied": "The file may not be read.",
        "unreadable_file": "The file cannot be read.",
        "unsupported_compression": "The file is compressed in a way that is not read.",
        "damaged_stream": "The file is damaged from here on.",
        "invalid_json": "It is not JSON, and no safe repair makes it JSON.",
        "invalid_csv": "It is not a row of its CSV table.",
        "invalid_cell": "A cell of it cannot be read.",
        "invalid_encoding": "Its bytes are no text in the file's encoding.",
        "truncated_record": "The file ends inside it.",
        "record_too_large": "It is larger than a record may be.",
        "too_deep": "It is nested too deeply.",
        "not_an_object": "It is a bare value and no object.",
        "unknown_format": "Its keys are those of no known format.",
        "wrong_format": "It is not in the format that the recipe names.",
        "unknown_role": "It has a role that no format knows.",
        "unsupported_role": "It has a role that a conversation cannot hold, such as a tool's.",
        "unsupported_content": "A message of it holds something other than text.",
    },
    "clean": {"empty_after_cleaning": "Cleaning left nothing of a message."},
    "language": {"language": "It is in a language that the recipe does not keep."},
    "privacy": {"privacy": "Personal data or secrets were found, and the recipe drops those."},
    "control_tokens": {"control_tokens": "Control tokens were found, and the recipe drops those."},
    "quality": {
        "too_long": "It is longer than a conversation may be.",
        "message_too_long": "It has a message that is longer than one may be.",
        "identity": "The assistant says that it is another model.",
        "placeholder_answer": "The answer is empty or a placeholder.",
        "placeholder_prompt": "The request asks nothing.",
        "garbled": "A message is garbled: lost characters (U+FFFD, 锟斤拷), or the wrong encoding.",
        "interface_text": "A line of the chat page was copied along.",
        "repetition": "The answer repeats itself.",
        "role_leak": "The answer goes on with the next turn or task, or has words of its prompt's "
        "frame.",
        "no_context": "It goes on with something that is not there.",
        "attachment": "It is about a picture, sound, file or article that is not there.",
        "wrong_language": "A Chinese request is answered in another language.",
        "echo": "The prompt's text comes back unchanged as the answer.",
        "refusal": "The answer only refuses.",
        "truncated": "The answer ends or begins inside a sentence, a list or code.",
        "ignored_input": "The answer asks for a text that the prompt has.",
        "untranslated": "An English sentence stands in a Chinese answer.",
        "too_short": "The answer has no words.",
        "boilerplate": "The answer begins with “as an AI language model”.",
        "translation": "A trained model takes it for a failed translation.",
    },
    "decontaminate": {"benchmark": "It contains an item of a benchmark."},
    "dedup": {
        "exact_duplicate": "It repeats another record, but for space, punctuation, width, case and "
        "script.",
        "near_duplicate": "It is nearly the same as another record.",
        "same_prompt": "It asks what another record asks.",
    },
}
#: What a person reads for an outcome, where the ledger has another word.
OUTCOMES = {"quarantined": "unreadable"}
#: Quality rule → what was measured, and against what it was held; others found the text they name.
_MEASURES = {
    "too_long": "It has {measured} characters; the most that the recipe keeps is {threshold}.",
    "message_too_long": "Message {message} has {measured} characters; the most that the recipe "
    "keeps is {threshold}.",
    "wrong_language": "Of the letters of message {message} {measured} are not {threshold}.",
    "repetition": "Of message {message} {measured} is repetition; the limit is {threshold}.",
    "garbled": "Of message {message} {measured} is garbled; the limit is {threshold}.",
    "translation": "The model of translations gives message {message} a score of {measured}; the "
    "least that the recipe keeps is {threshold}.",
    "refusal": "Found in message {message}: {measured}; it counts up to {threshold} characters.",
    "truncated": "Found in message {message}: {measured}; a missing stop counts from {threshold} "
    "characters on.",
    "ignored_input": "Found in message {message}: {measured}; it counts where the prompt has "
    "{threshold} letters of text.",
    "untranslated": "Found in message {message}: {measured}; it counts from {threshold} words on.",
    "too_short": "Letters of message {message}: {measured}; {threshold} would be enough.",
}
_OTHERS = "Found in message {message}: {measured}; expected: {threshold}."
_SHOWN_NAMES = {"offset": "offset in the file"}
_SHARES = ("wrong_language", "repetition", "garbled")


def counted(index: int) -> int:
    """The number of a record or message as people count: the ledger counts from 0, they from 1."""
    return index + 1


def place(decision: Mapping[str, Any]) -> str:
    """Where a record was read, for people."""
    return f"{decision['file']}, record {counted(decision['position']):,}"


def numbered(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence with messages as people count them: `turn` 0 is `message` 1."""
    told = dict(evidence)
    if "turn" in told:
        told = {"message": counted(told.pop("turn")), **told}
    if "turns" in told:
        told["messages"] = [counted(turn) for turn in told.pop("turns")]
    return told


def why(decision: Mapping[str, Any], stages: Stages) -> list[str]:
    """Sentences that say why the record of a row of `DECISIONS` ended as it did; none if plain.

    stages: of the recipe. The evidence is quoted as it is: redact it before, escape it after.
    """
    evidence = numbered(json.loads(decision["evidence"] or "{}"))
    if decision["reason"] is None:
        return _of_kept(evidence)
    tell = _TELLERS.get(decision["stage"], _listed)
    phrase = _phrase(decision["stage"], decision["reason"])
    if decision["stage"] == "dedup":
        phrase = _of_key(phrase, evidence["key"])
    return [phrase, *tell(evidence, decision, stages)]


def _phrase(stage: str, reason: str) -> str:
    unknown = f"{reason.replace('_', ' ').capitalize()}."  # to this version
    return REASONS.get(stage, {}).get(reason, unknown)


def _of_key(phrase: str, key: str) -> str:
    """The phrase about a duplicate, where not the whole conversation was compared."""
    if what := {"prompt": "Its questions ", "response": "Its answers "}.get(key):
        phrase = phrase.replace("It repeats ", f"{what}repeat those of ")
        phrase = phrase.replace("It is nearly the same as", f"{what}are nearly those of")
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
    reason = decision["reason"]
    written = _percent if reason in _SHARES else _value
    measured, limit = evidence["measured"], evidence["threshold"]
    told = [
        _MEASURES.get(reason, _OTHERS).format(
            message=evidence["message"],
            measured=written(measured),
            threshold=limit if isinstance(limit, str) else written(limit),
        )
    ]
    if "words" in evidence:
        told.append(f"What spoke most against it: {_value(evidence['words'])}.")
    # The translation model's word on a single exchange is its quality score.
    if "score" in evidence and (reason != "translation" or evidence["score"] != measured):
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
        f"The item is {evidence['benchmark']}/{evidence['item']}{subject}: its {matched} in "
        f"message {evidence['message']}, score {_value(evidence['score'])}, threshold "
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


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


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
