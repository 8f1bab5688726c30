"""Views: what a URL asks for, which records that is, and what the filters count."""

from itertools import pairwise
from urllib.parse import parse_qsl

import numpy as np
import pytest

from curation.browser.view import View, parse

HARD = "a&b=c #?%+ 中文 \"'<"


def test_a_url_leads_back_to_its_view():
    view = View(
        HARD,
        (("source", "a"), ("rule", HARD)),
        (("quality", "0.123456789", ""), ("tokens", "", "1234567")),
        "a-1",
        "-tokens",
        7,
    )
    assert parse(dict(parse_qsl(view.query()[1:]))) == view
    assert View().query() == ""
    assert "quality: from 0.123456789" in [name for name, _ in view.chosen()]


@pytest.mark.parametrize("page", ["-1", "0", "abc", "1.5", "9" * 30, "１", "²"])
def test_a_page_that_cannot_be_is_the_first_and_said(page):
    view = parse({"page": page})
    assert view.page == 1
    assert "no page" in view.problems[0]


@pytest.mark.parametrize("number", ["x", "nan", "inf", "-1e999", "１２a"])
def test_a_number_that_is_none_is_left_out_and_said(number):
    view = parse({"tokens_from": number})
    assert not view.ranges
    assert "not a number" in view.problems[0]


def test_a_long_search_is_cut_and_said():
    view = parse({"q": "长" * 10_000})
    assert len(view.search) == 200
    assert "cut" in view.problems[0]


def test_search_is_literal_and_blind_to_case(library):
    def count(term):
        return len(library.selection(parse({"q": term})).rows)

    assert count("<SCRIPT>") == count("<script>") == 1
    assert count("ALERT(1)") == 1
    assert count(".*") == count("alert.1") == count("[a-z]") == count("\\d") == 0
    assert count("乘以") == 118


def test_search_finds_an_id_by_its_beginning(library):
    record = library.index.id(3)
    assert library.selection(parse({"q": record[:-2]})).rows.tolist() == [3]


def test_the_outcomes_are_the_identity(library):
    counts = library.selection(View()).facets["outcome"]
    assert sum(counts.values()) == library.index.size == 129
    assert counts["quarantined"] == 1
    assert set(counts) == {"kept", "dropped", "quarantined"}


def test_a_facet_counts_what_its_value_would_show(library):
    view = parse({"q": "的", "outcome": "dropped", "source": "mixed"})
    for name, counts in library.selection(view).facets.items():
        for value, count in counts.items():
            assert len(library.selection(view.having(name, value)).rows) == count, (name, value)


def test_an_order_is_stable_and_puts_the_unknown_last(library):
    tokens = library.index.numbers["tokens"]
    rows = library.selection(parse({"order": "-tokens"})).rows
    assert sorted(rows) == list(range(library.index.size))
    found = tokens[rows]
    known = found[~np.isnan(found)]
    assert len(known)
    assert (np.diff(known) <= 0).all()
    assert np.isnan(found[len(known) :]).all()
    ties = [(a, b) for a, b in pairwise(rows) if tokens[a] == tokens[b]]
    assert all(a < b for a, b in ties)


def test_a_range_keeps_what_is_within(library):
    rows = library.selection(parse({"tokens_from": "20", "tokens_to": "30"})).rows
    tokens = library.index.numbers["tokens"]
    assert set(rows) == set(np.flatnonzero((tokens >= 20) & (tokens <= 30)))


def test_a_limit_beyond_all_numbers_is_one(library):
    known = np.isfinite(library.index.numbers["tokens"]).sum()
    assert len(library.selection(parse({"tokens_to": "1e39"})).rows) == known
    assert not len(library.selection(parse({"tokens_from": "1e39"})).rows)


def test_a_search_in_traditional_characters_finds_what_was_converted(library):
    assert library.terms("臺灣的氣候") == ("臺灣的氣候", "台湾的气候")
    found = library.selection(parse({"q": "臺灣的氣候"})).rows
    assert found.tolist() == library.selection(parse({"q": "台湾的气候"})).rows.tolist() == [4]


def test_rounds_split_and_personal_data_are_filters(library):
    facets = library.selection(View()).facets
    kept = facets["outcome"]["kept"]
    assert facets["rounds"] == {"single": kept}
    assert facets["split"] == {"train": kept}
    assert facets["pii"] == {"email": 1, "mobile": 1, "private_key": 1}
    assert library.selection(parse({"pii": "email"})).rows.tolist() == [3]


def test_a_cluster_is_the_record_that_stayed_and_its_duplicates(library):
    kept, sizes = library.clusters()
    rows = library.selection(View(cluster=library.index.id(int(kept[0])))).rows
    assert len(rows) == sizes[0] == 2
    assert rows.tolist() == [0, 1]


def test_dropped_records_have_the_quality_of_their_evidence(library):
    rows = library.selection(parse({"stage": "quality"})).rows
    assert len(rows)
    assert not np.isnan(library.index.numbers["quality"][rows]).any()
