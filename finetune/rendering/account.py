"""Where the tokens of a corpus went."""

from pydantic import Field

from schemas.document import Document


class TokenAccount(Document):
    """Where the tokens of a split went: `whole` = `kept` + `dropped`.

    The trainer sees `kept` + `repeated` tokens, `trained` of them with a loss.
    """

    conversations: int
    parts: int
    split: int  # conversations that became more than one part
    whole: int  # all conversations, rendered each as one
    kept: int
    repeated: int  # BOS, system text and carried rounds that a later part repeats
    dropped: int
    trained: int  # tokens with a label
    left_out: dict[str, int] = Field(default_factory=dict)  # conversations or rounds, by reason
