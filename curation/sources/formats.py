"""The record formats: what each looks like, and the turns in it.

    alpaca    {instruction, input, output, [system], [history]}
    sharegpt  {conversations: [{from, value}, …], [system]}
    shareai   {conversation: [{human, assistant}, …], [category], [conversation_id]}
    messages  {messages: [{role, content}, …], [system]}
    history   {query or prompt, response, [history: [[q, a], …]], [system]}

In a list of turns each turn may be written in any of the three ways, whatever the format.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.sources.placeholders import LONGEST, is_placeholder, without_placeholder
from curation.sources.record import RepairEdit
from curation.sources.roles import COMMON, UNSUPPORTED
from schemas.conversation import Message

JOINT = "\n"  # between an instruction and its input, text parts, and merged turns

#: Keys that make an object a record. None of them starts an object inside a record.
RECORD_KEYS = frozenset(
    {"instruction", "input", "output", "conversations", "conversation", "messages"}
    | {"query", "prompt", "response"}
)
#: Keys that start an object inside a record, and never a record.
TURN_KEYS = frozenset({"from", "value", "role", "content", "human", "assistant", "type", "text"})
#: Columns that hold a list, which a CSV cell writes as JSON.
LIST_KEYS = frozenset({"messages", "conversations", "conversation", "history"})
SHOWN_KEYS = 20  # keys of a bad record that its evidence lists


class FormatError(Exception):
    """A record that no format fits: `reason` and `evidence` for the ledger."""

    def __init__(self, reason: str, **evidence: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


@dataclass(slots=True)
class RecordTurns:
    """The turns of a record while they are read.

    roles:   role name → role.
    turns:   as written, in order.
    repairs: names of what it took to read them.
    edits:   of those repairs, the ones that changed text.
    """

    roles: Mapping[str, str]
    turns: list[Message] = field(default_factory=list)
    repairs: set[str] = field(default_factory=set)
    edits: list[RepairEdit] = field(default_factory=list)

    def say(self, role: str, content: Any) -> None:
        """Add a turn whose role is known; what stands for no input goes from behind a question."""
        text = content if type(content) is str else self.text(content)
        if role == "user" and "\n" in text[-LONGEST - 1 :].rstrip():
            text = self.asked(text, without_placeholder(text))
        self.turns.append(Message(role, text))

    def asked(self, before: str, after: str) -> str:
        """`after`, which the next turn becomes where it was `before` with a placeholder."""
        if before != after:
            self.repairs.add("placeholder_input")
            self.edits.append(RepairEdit(len(self.turns), "placeholder_input", before, after))
        return after

    def turn(self, turn: Any) -> None:
        """Add a turn as a list of turns writes it."""
        if not isinstance(turn, dict):
            raise FormatError("wrong_format", error="a turn is not an object")
        name = turn.get("role") or turn.get("from")
        if name is None and ("human" in turn or "assistant" in turn):
            self.say("user", turn.get("human"))
            self.say("assistant", turn.get("assistant"))
            return
        content = turn.get("content") if "content" in turn else turn.get("value")
        if not content and (turn.get("tool_calls") or turn.get("function_call")):
            raise FormatError("unsupported_content", type="tool_calls")
        self.say(self.role(name), content)

    def role(self, name: Any) -> str:
        """system, user or assistant."""
        role = self.roles.get(name) if isinstance(name, str) else None
        if role is None:
            role = self._rare_role(name)
        if name not in COMMON:
            self.repairs.add("role_alias")
        return role

    def _rare_role(self, name: Any) -> str:
        plain = str(name).strip().lower()
        if role := self.roles.get(plain):
            return role
        reason = "unsupported_role" if plain in UNSUPPORTED else "unknown_role"
        raise FormatError(reason, role=str(name)[:80], turn=len(self.turns))

    def text(self, content: Any) -> str:
        """Content as text; raises FormatError for what is none."""
        if isinstance(content, str):
            return content
        if content is None:
            return ""
        if isinstance(content, int | float) and not isinstance(content, bool):
            self.repairs.add("non_string_content")
            return str(content)
        if isinstance(content, list):
            return JOINT.join(map(_part, content))
        raise FormatError("unsupported_content", type=type(content).__name__)


def _part(part: Any) -> str:
    """The text of one of OpenAI's content parts."""
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) else None
    if isinstance(text, str) and part.get("type", "text") in ("text", "input_text", "output_text"):
        return text
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise FormatError("unsupported_content", type=str(kind)[:80])


def is_record(value: Any) -> bool:
    """Whether `value` has a key of one of the formats."""
    return isinstance(value, dict) and not RECORD_KEYS.isdisjoint(value)


def detect(record: Mapping[str, Any]) -> str:
    """The format of `record` by its keys; raises FormatError."""
    found = next((name for name, (fits, _) in FORMATS.items() if fits(record)), None)
    if found is None:
        raise FormatError("unknown_format", keys=_keys(record))
    return found


def turns_of(record: Mapping[str, Any], name: str, roles: Mapping[str, str]) -> RecordTurns:
    """The turns of `record` in the format `name`; raises FormatError."""
    fits, read = FORMATS[name]
    if not fits(record):
        raise FormatError("wrong_format", format=name, keys=_keys(record))
    turns = RecordTurns(roles)
    system = record.get("system")
    if system:
        turns.say("system", system)
    read(record, turns)
    return turns


def _keys(record: Mapping[str, Any]) -> list[str]:
    return [str(key)[:80] for key in list(record)[:SHOWN_KEYS]]


def _list_reader(key: str) -> Callable[[Mapping[str, Any], RecordTurns], None]:
    """A reader of the list of turns under `key`."""

    def read(record: Mapping[str, Any], turns: RecordTurns) -> None:
        if not isinstance(record[key], list):
            raise FormatError("wrong_format", error=f"{key} is not a list")
        for turn in record[key]:
            turns.turn(turn)

    return read


def _is_alpaca(record: Mapping[str, Any]) -> bool:
    given = record.get("input") is not None and record.get("output") is not None
    return given or record.get("instruction") is not None


def _is_query(record: Mapping[str, Any]) -> bool:
    if record.get("query") is not None:
        return True
    return record.get("prompt") is not None and ("response" in record or "history" in record)


def _alpaca(record: Mapping[str, Any], turns: RecordTurns) -> None:
    _history(record.get("history"), turns)
    instruction, given = turns.text(record.get("instruction")), turns.text(record.get("input"))
    asked = JOINT.join(part for part in (instruction, given) if part.strip())
    if is_placeholder(given):
        asked = turns.asked(asked, instruction)
    turns.say("user", asked)
    turns.say("assistant", record.get("output"))


def _query(record: Mapping[str, Any], turns: RecordTurns) -> None:
    _history(record.get("history"), turns)
    turns.say("user", record.get("prompt") if record.get("query") is None else record["query"])
    turns.say("assistant", record.get("response"))


def _history(history: Any, turns: RecordTurns) -> None:
    """Earlier rounds: pairs, or turns."""
    if not history:
        return
    if not isinstance(history, list):
        raise FormatError("wrong_format", error="history is not a list")
    for entry in history:
        if isinstance(entry, list) and len(entry) == 2:
            turns.say("user", entry[0])
            turns.say("assistant", entry[1])
        else:
            turns.turn(entry)


_Fits = Callable[[Mapping[str, Any]], bool]
_Read = Callable[[Mapping[str, Any], RecordTurns], None]

#: Format → whether a record can be read as it, and how. `auto` takes the first that fits.
FORMATS: dict[str, tuple[_Fits, _Read]] = {
    "messages": (lambda r: r.get("messages") is not None, _list_reader("messages")),
    "sharegpt": (lambda r: r.get("conversations") is not None, _list_reader("conversations")),
    "shareai": (lambda r: r.get("conversation") is not None, _list_reader("conversation")),
    "alpaca": (_is_alpaca, _alpaca),
    "history": (
        _is_query,
        _query,
    ),
}
