"""Statistics of runs that never were: usual ones and extremes."""

from schemas.statistics import (
    ControlTokensFound,
    Distribution,
    Histogram,
    Overlap,
    Rounds,
    SamePrompt,
    SourceCounts,
    StageCounts,
    Statistics,
    Tally,
)

NOTHING = Distribution(total=0, mean=0, minimum=0, p5=0, p50=0, p95=0, p99=0, maximum=0)
EDGES = {
    "characters": [0.0, *(float(2**power) for power in range(16))],
    "tokens": [0.0, *(float(2**power) for power in range(16))],
    "quality": [step / 20 for step in range(20)],
}
VALUES = {
    "language": ["zh", "en", "ja", "ko", "yue", "fr", "ru", "de"],
    "script": ["Hans", "Hant", "mixed"],
}
TOPICS = ["Life", "Computer", "Entertainment", "Other"]


def build(sources, stages, topics=TOPICS):
    """sources: (name, records, quarantined, kept). stages: (name, {reason: dropped})."""
    counts = [
        SourceCounts(source=name, records=n, kept=kept, dropped=n - bad - kept, quarantined=bad)
        for name, n, bad, kept in sources
    ]
    kept = sum(source.kept for source in counts)
    return Statistics(
        sources=counts,
        stages=account(sum(source.records for source in counts), stages),
        rounds=[
            Rounds(of=of, source=name, single=n - n // 3, multi=n // 3)
            for of in ("raw", "result")
            for name, records, bad, left in sources
            for n in [records - bad if of == "raw" else left]
        ],
        reasons={},
        formats={},
        repairs={},
        categories={name: n for i, name in enumerate(topics) if (n := kept // 2**i)},
        languages={},
        scripts_read={},
        scripts={},
        pii={},
        control_tokens=ControlTokensFound(conversations=0, occurrences=0),
        tokens=NOTHING,
        characters=NOTHING,
        histograms=[
            Histogram(
                of=of, source=name, measure=measure, edges=edges, counts=spread(n, len(edges))
            )
            for measure, edges in EDGES.items()
            for name, records, bad, left in sources
            for of, n in (("raw", records - bad), ("result", left))
        ],
        tallies=[
            Tally(of=of, source=name, column=column, counts=tally(n, values))
            for column, values in VALUES.items()
            for name, records, bad, left in sources
            for of, n in (("raw", records - bad), ("result", left))
        ],
        splits={},
        overlap=[
            Overlap(
                source=a[0],
                other=b[0],
                clustered=min(a[1], b[1]) // 7,
                exact=0,
                near=0,
                same_prompt=0,
            )
            for a in sources
            for b in sources
        ],
        clusters=[],
        same_prompt=SamePrompt(prompts=0, conversations=0),
        contamination=[],
    )


def account(entered, stages):
    rows = []
    for name, dropped in stages:
        kept = entered - sum(dropped.values())
        rows.append(
            StageCounts(
                stage=name, entered=entered, kept=kept, dropped=dropped, edited={}, seconds=0.0
            )
        )
        entered = kept
    return rows


def spread(n, bins):
    """n conversations, most of them in the middle."""
    counts = [0] * bins
    for i in range(bins):
        counts[(bins // 2 + i) % bins] = n // 2 ** (i + 1)
    counts[bins // 2] += n - sum(counts)
    return counts


def tally(n, values):
    """n conversations, almost all of the first value."""
    rare = {value: min(i, n // 100) for i, value in enumerate(values[1:], 1)}
    return {values[0]: n - sum(rare.values()), **rare}


CASES = {
    "usual": build(
        [("alpaca_zh", 52002, 50, 50590), ("smile", 55165, 67, 55095)],
        [
            ("read", {"no_answer": 117}),
            ("clean", {}),
            ("quality", {f"rule_{i}": i for i in range(1, 15)}),
            ("dedup", {"exact_duplicate": 1259, "near_duplicate": 1}),
        ],
    ),
    "twelve sources": build(
        [(f"{i:02}_" + "x" * 93 * (i % 2), 176678 // i, 1, 17667 // i) for i in range(1, 13)],
        [
            ("read", {"invalid_json": 12}),
            ("dedup", {"a_reason_with_a_very_long_name" * 3: 493_421}),
        ],
    ),
    "nothing in common": build(
        [(f"source_{i}" + "_with_a_long_name" * i, 3, 0, 3) for i in range(10)], [("read", {})]
    ),
    "one source": build([("only", 176678, 0, 176678)], [("read", {})]),
    "all quarantined": build(
        [("broken", 176678, 176678, 0)], [("read", {"invalid_json": 176678}), ("dedup", {})]
    ),
    "nothing": build([("void", 0, 0, 0)], [("read", {}), ("dedup", {})]),
    "hostile": build(
        [("a", 1000, 0, 900)],
        [
            (
                "<script>alert(1)</script>",
                {'"><img src=x onerror=alert(1)>': 99, "\u202e中文\x1b[2J\n": 1},
            ),
        ],
        ["</text></svg><script>alert(1)</script>", "]]>&amp;\u0000", "生活😀", "Other"],
    ),
}
