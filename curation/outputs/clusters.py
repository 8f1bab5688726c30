"""What the sources have in common, and the largest clusters of duplicates.

A cluster is a kept conversation with all that were dropped in its favour.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from curation.engine.batches import replay
from curation.engine.corpus import Corpus
from curation.outputs.withheld import redacted, searched
from curation.stages.privacy import PLACEHOLDERS
from schemas.recipe import Privacy
from schemas.statistics import Cluster, Member, Overlap

#: Clusters shown, members shown of each, and characters of a text.
CLUSTERS, MEMBERS, EXCERPT = 20, 5, 240

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))


def overlap(members: pl.DataFrame, names: Sequence[str]) -> list[Overlap]:
    """The matrix over all pairs of `names`, row by row. `members`: see `cluster_members`."""
    counts = members.group_by("cluster", "source").len()
    pairs = counts.join(counts.rename({"source": "other", "len": "others"}), on="cluster")
    # With itself a source has in common only what it holds twice.
    true = pairs.filter((pl.col("source") != pl.col("other")) | (pl.col("len") > 1))
    clustered = _cells(true.group_by("source", "other").agg(pl.col("len").sum()))
    dropped = members.filter(pl.col("reason").is_not_null())
    reasons = _cells(dropped.group_by("source", "other", "reason").len())
    return [
        Overlap(
            source=source,
            other=other,
            clustered=clustered.get((source, other), 0),
            exact=reasons.get((source, other, "exact_duplicate"), 0),
            near=reasons.get((source, other, "near_duplicate"), 0),
            same_prompt=reasons.get((source, other, "same_prompt"), 0),
        )
        for source in names
        for other in names
    ]


def largest_clusters(corpus: Corpus, members: pl.DataFrame, privacy: Privacy) -> list[Cluster]:
    """The largest clusters, largest first, with the texts of their first members."""
    sizes = members.group_by("cluster").len().sort(["len", "cluster"], descending=[True, False])
    chosen = sizes.head(CLUSTERS)["cluster"].to_list()
    found = {
        c: members.filter(pl.col("cluster") == c).sort("reason", "row", nulls_last=False)
        for c in chosen
    }
    shown = {c: rows.head(MEMBERS) for c, rows in found.items()}
    numbers = np.array([row for rows in shown.values() for row in rows["row"]], np.int64)
    described = _described(corpus, numbers, privacy)
    return [
        Cluster(
            size=len(found[c]),
            sources=dict(Counter(found[c]["source"]).most_common()),
            members=[
                Member(
                    id=described[row][0],
                    source=source,
                    reason=reason,
                    jaccard=round(jaccard, 6),
                    text=described[row][1],
                )
                for row, source, reason, jaccard in shown[c]
                .select("row", "source", "reason", "jaccard")
                .rows()
            ],
        )
        for c in chosen
    ]


def cluster_members(corpus: Corpus, duplicates: pa.Table) -> pl.DataFrame:
    """All that stand in a cluster, the kept rows first.

    Columns: row, source, reason, jaccard, cluster (the kept row) and other (its source).
    """
    gone = duplicates.column("row").to_numpy()
    stayed = np.unique(duplicates.column("survivor").to_numpy())
    sources = np.array([chunk.source for chunk in corpus.chunks], object)
    row = np.concatenate([stayed, gone])
    cluster = np.concatenate([stayed, duplicates.column("survivor").to_numpy()])
    return pl.DataFrame(
        {
            "row": row,
            "source": pl.Series(sources[corpus.chunk_of(row)], dtype=pl.String),
            "reason": [None] * len(stayed) + duplicates.column("reason").to_pylist(),
            "jaccard": np.concatenate([np.ones(len(stayed)), duplicates.column("jaccard")]),
            "cluster": cluster,
            "other": pl.Series(sources[corpus.chunk_of(cluster)], dtype=pl.String),
        },
        schema_overrides={"reason": pl.String},
    )


def _cells(counts: pl.DataFrame) -> dict[tuple[str, ...], int]:
    return {row[:-1]: row[-1] for row in counts.rows()}


def _described(corpus: Corpus, rows: np.ndarray, privacy: Privacy) -> dict[int, tuple[str, str]]:
    """Row → its id, and the beginning of its text."""
    # Statistics are published and shown: without personal data, whatever the recipe does with it.
    found = {}
    for chunk, places, local in corpus.parts(rows):
        batch = replay(corpus.chunks[chunk]).batch.select(["id", "messages"]).take(pa.array(local))
        for place, row in zip(places.tolist(), batch.to_pylist(), strict=True):
            text = "\n".join(message["content"] for message in row["messages"])
            found[int(rows[place])] = row["id"], _beginning(redacted(text, searched(privacy)))
    return found


def _beginning(text: str) -> str:
    """At most `EXCERPT` characters, with no placeholder cut in two."""
    places = (match.span() for match in _PLACEHOLDER.finditer(text))
    return text[: next((start for start, end in places if start < EXCERPT < end), EXCERPT)]
