"""Short instructions: the rows written for them, and what the shipped model says of some."""

import pyarrow as pa
import pytest

from curation.stages.batch import INPUT
from curation.stages.category import category, taxonomy
from curation.training.short_rows import asked_words, quoted_texts, written_rows
from curation.training.topic_report import Measured
from schemas.recipe import Category


def test_written_rows_are_of_all_topics_and_held_out_ones_are_not_taught():
    taught, held_out = written_rows("train"), written_rows("held_out")
    for rows in (taught, held_out):
        assert {row.label for row in rows} == set(taxonomy().names)
    prompts = [{row.messages[0] for row in rows} for rows in (taught, held_out)]
    assert prompts[0].isdisjoint(prompts[1])


@pytest.mark.parametrize("make", [asked_words, quoted_texts])
def test_made_rows_are_the_same_each_time_and_leave_no_gap(make):
    rows = make()
    assert rows == make()
    assert not any("{" in text for row in rows for _, text in row.messages)


def test_short_questions_are_answered_at_the_default_threshold():
    measured = Measured(written_rows("held_out"))
    sure = measured.scores >= Category().min_score
    assert sure.mean() >= 0.75
    assert measured.right[sure].mean() >= 0.88


def test_the_task_goes_before_what_the_sentence_is_about():
    asked = [("将下列句子翻译成英语：医生说我需要休息", "The doctor says I need rest.")]
    rows = [
        {
            "id": str(i),
            "position": i,
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": answer},
            ],
            "source_id": None,
            "source_category": None,
        }
        for i, (prompt, answer) in enumerate(asked)
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=INPUT)
    assert category(batch, Category()).columns["category"].to_pylist() == ["Language"] * len(rows)
