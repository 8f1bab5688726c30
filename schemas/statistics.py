"""`statistics.json`: what a run did, in numbers. Counts are of conversations unless stated."""

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.document import Document


class Rounds(Document):
    """One row of the paper's Table 2.

    raw: single + multi = records - quarantined. result: single + multi = kept.
    """

    of: Literal["raw", "result"]
    source: str
    single: int  # conversations of at most one round
    multi: int  # conversations of two rounds or more


class SourceCounts(Document):
    """The identity of one source: records = kept + dropped + quarantined."""

    source: str
    records: int
    kept: int
    dropped: int
    quarantined: int


class StageCounts(Document):
    """One stage's account: in = kept + the sum of dropped."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    stage: str
    entered: int = Field(alias="in")
    kept: int
    dropped: dict[str, int]  # by reason; for `read` this includes what was quarantined
    edited: dict[str, int]  # messages changed, by rule
    seconds: float  # worker seconds, summed over processes


class Distribution(Document):
    """Quantiles of a count over the kept conversations."""

    total: int
    mean: float
    minimum: int
    p5: int
    p50: int
    p95: int
    p99: int
    maximum: int


class Histogram(Document):
    """How a measure is spread over the conversations of one source.

    raw: those that could be read, for quality those that reached its stage; result: the kept ones.
    Bin i holds values from `edges[i]` up to, and without, `edges[i + 1]`; the last one is open.
    """

    of: Literal["raw", "result"]
    source: str
    measure: Literal["characters", "tokens", "quality"]
    edges: list[float]
    counts: list[int]  # one per edge


class Tally(Document):
    """Conversations of one source by the values of a column, most frequent first.

    raw: those that reached the stage that names the value; result: the kept ones. There is no raw
    tally of categories.
    """

    of: Literal["raw", "result"]
    source: str
    column: Literal["language", "script", "category"]
    counts: dict[str, int]


class Overlap(Document):
    """One cell of the overlap matrix: what `source` has in common with `other`.

    A cluster is a kept conversation with all that were dropped in its favour. Exact and near count
    conversations of `source` that were dropped in favour of one of `other`.
    """

    source: str
    other: str
    clustered: int  # conversations of `source` in a cluster with one (more) of `other`
    exact: int
    near: int
    same_prompt: int


class Member(Document):
    """A conversation of a cluster. The kept one has Jaccard 1 and no reason."""

    id: str
    source: str
    reason: str | None
    jaccard: float
    text: str  # its beginning


class Cluster(Document):
    """A kept conversation, which comes first, and some of those dropped in its favour."""

    size: int  # conversations, the kept one included
    sources: dict[str, int]
    members: list[Member]


class SamePrompt(Document):
    """Kept conversations whose user turns are word for word those of another, which differs."""

    prompts: int
    conversations: int


class ControlTokensFound(Document):
    """Control tokens in what reached their stage."""

    conversations: int
    occurrences: int


class Contamination(Document):
    """What was found of one benchmark in the conversations that reached the check."""

    benchmark: str
    items: int
    subjects: int
    conversations: int  # that contain an item; the best match of each decides the benchmark
    found: int  # items that the ledger names: at most eleven of each conversation
    by_subject: dict[str, int]  # conversations


class Statistics(Document):
    """The whole document."""

    sources: list[SourceCounts]
    stages: list[StageCounts]
    rounds: list[Rounds]  # raw, then result; each by source
    reasons: dict[str, dict[str, int]]  # source → reason → records dropped or quarantined
    formats: dict[str, dict[str, int]]  # source → detected record format → records
    repairs: dict[str, dict[str, int]]  # source → repair → records
    categories: dict[str, int]  # of the result, most frequent first (the paper's Figure 1)
    languages: dict[str, int]  # of what was read and cleaned, before the language filter
    scripts_read: dict[str, int]  # before conversion
    scripts: dict[str, int]  # of the result
    pii: dict[str, int]  # kind of personal data → conversations it was found in
    control_tokens: ControlTokensFound
    tokens: Distribution  # Mixtral tokens per kept conversation
    characters: Distribution  # per kept conversation
    histograms: list[Histogram]  # by measure, then source, then raw and result
    tallies: list[Tally]  # by column, then source, then raw and result
    splits: dict[str, int]  # train, and validation where there is one
    overlap: list[Overlap]  # every pair of sources, each with itself too
    clusters: list[Cluster]  # the largest, largest first
    same_prompt: SamePrompt
    contamination: list[Contamination]  # one per benchmark of the recipe

    def round_pairs(self) -> list[tuple[Rounds, Rounds]]:
        """Raw and result of each source, side by side."""
        raw, result = ([row for row in self.rounds if row.of == of] for of in ("raw", "result"))
        return list(zip(raw, result, strict=True))
