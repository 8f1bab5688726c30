"""The histograms and tallies of the statistics, against counting by hand."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.engine.bins import EDGES, binned


@given(st.lists(st.integers(0, 10**6)))
def test_every_value_lies_in_the_bin_of_its_edges(values):
    edges = EDGES["tokens"]
    expected = [
        sum(low <= value < high for value in values)
        for low, high in zip(edges, [*edges[1:], float("inf")], strict=True)
    ]
    assert binned("tokens", values) == expected


def test_a_score_on_an_edge_lies_above_it():
    assert binned("quality", [0.15, 0.0, 1.0, float("nan")])[3] == 1
    assert sum(binned("quality", [0.15, 0.0, 1.0, float("nan")])) == 3


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The sample, made in two ways."""
    from curation.recipes import load
    from curation.run import Options, run

    folder = tmp_path_factory.mktemp("spread")
    for name, options in (("one", Options(1)), ("two", Options(1, chunk_size=23))):
        run(load("sample"), folder / name, options)
    return folder / "one", folder / "two"


def spread(statistics, key, measure, of):
    name = "measure" if key == "histograms" else "column"
    return {
        row["source"]: row["counts"]
        for row in statistics[key]
        if (row[name], row["of"]) == (measure, of)
    }


def read_statistics(directory):
    return json.loads((directory / "statistics.json").read_text())


def test_result_histograms_are_those_of_the_data(runs):
    statistics = read_statistics(runs[0])
    data = pl.read_parquet(runs[0] / "data" / "*.parquet")
    texts = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars())
    data = data.with_columns(characters=texts.list.sum())
    for measure in EDGES:
        for source, counts in spread(statistics, "histograms", measure, "result").items():
            own = data.filter(pl.col("source") == source)[measure].to_list()
            assert counts == binned(measure, own)


def test_raw_histograms_count_what_was_read_and_what_reached_the_score(runs):
    statistics = read_statistics(runs[0])
    entered = {stage["stage"]: stage["in"] for stage in statistics["stages"]}
    for measure, stage in (("characters", "clean"), ("tokens", "clean"), ("quality", "quality")):
        raw = spread(statistics, "histograms", measure, "raw")
        assert sum(map(sum, raw.values())) == entered[stage]


def test_tallies_agree_with_the_totals(runs):
    statistics = read_statistics(runs[0])
    for of, column, total in (
        ("raw", "language", "languages"),
        ("raw", "script", "scripts_read"),
        ("result", "script", "scripts"),
        ("result", "category", "categories"),
    ):
        summed: dict[str, int] = {}
        for counts in spread(statistics, "tallies", column, of).values():
            for value, number in counts.items():
                summed[value] = summed.get(value, 0) + number
        assert summed == statistics[total]


def test_the_raw_category_is_not_told(runs):
    assert spread(read_statistics(runs[0]), "tallies", "category", "raw") == {}


def test_nothing_depends_on_the_chunks(runs):
    one, two = map(read_statistics, runs)
    assert one["histograms"] == two["histograms"]
    assert one["tallies"] == two["tallies"]
    names = [stage["stage"] for stage in one["stages"]]
    assert names == [stage["stage"] for stage in two["stages"]]
    assert "tokens" in names
    assert "tokens_read" not in names


def test_the_dropped_texts_are_those_of_the_ledger_whatever_the_chunks(runs):
    one, two = ((run / "ledger" / "dropped" / "part-00000.parquet") for run in runs)
    assert one.read_bytes() == two.read_bytes()
    decisions = pl.read_parquet(runs[0] / "ledger" / "decisions" / "*.parquet")
    left = decisions.filter((pl.col("outcome") == "dropped") & (pl.col("stage") != "read"))
    dropped = pl.read_parquet(one)
    assert dropped["id"].to_list() == left["id"].to_list()  # sorted like the decisions
    assert {"dedup", "language", "quality"} <= set(left["stage"])
    assert dropped["messages"].list.len().min() >= 2


def test_a_dropped_text_is_as_it_stood_when_it_left(runs):
    """The last edit of a message leads to it."""
    dropped = pl.read_parquet(runs[0] / "ledger" / "dropped" / "*.parquet")
    texts = {row["id"]: [m["content"] for m in row["messages"]] for row in dropped.to_dicts()}
    edits = pl.read_parquet(runs[0] / "ledger" / "edits" / "*.parquet")
    later = edits.filter((pl.col("stage") != "read") & pl.col("after").is_not_null())
    last = later.group_by("id", "turn", maintain_order=True).last().to_dicts()
    seen = [edit for edit in last if edit["id"] in texts]
    assert seen
    for edit in seen:
        assert edit["after"] in texts[edit["id"]]
