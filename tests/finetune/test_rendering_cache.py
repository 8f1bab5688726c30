"""The cache of rendered corpora."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.rendering.cache import fingerprint, render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.split import Limits, account, cut

datasets = pytest.importorskip("datasets")


def conversations(count, answer="答"):
    turns = [{"role": "user", "content": "问"}, {"role": "assistant", "content": answer}]
    return datasets.Dataset.from_list(
        [{"id": str(i), "messages": turns * (i % 5 + 1)} for i in range(count)]
    )


def test_parts_and_account_are_those_of_splitting(tmp_path):
    rows, limits = conversations(2500), Limits(40)
    rendered = render_corpus(rows, mistral_v1(), limits, tmp_path)
    done = cut(rows["id"], [list(m) for m in rows["messages"]], mistral_v1(), limits)
    assert rendered.account == account(done)
    assert rendered.parts["input_ids"][:] == [p.input_ids for one in done for p in one.parts]
    assert rendered.parts["labels"][:] == [p.labels for one in done for p in one.parts]
    assert rendered.parts.features["input_ids"].feature.dtype == "int32"


def test_a_second_call_reads_and_an_unfinished_one_is_made_anew(tmp_path):
    first = render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    stamp = (folder / "parts.arrow").stat().st_mtime_ns
    again = render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path)
    assert again.account == first.account
    assert (folder / "parts.arrow").stat().st_mtime_ns == stamp
    (folder / "account.json").unlink()
    assert render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path).account
    assert (folder / "account.json").is_file()


def test_other_rows_or_limits_have_another_key(tmp_path):
    for rows, limits in [
        (conversations(3), Limits()),
        (conversations(3, "另"), Limits()),
        (conversations(4), Limits()),
        (conversations(3), Limits(40)),
        (conversations(3), Limits(40, "drop")),
    ]:
        render_corpus(rows, mistral_v1(), limits, tmp_path)
    assert sum(path.is_dir() for path in tmp_path.iterdir()) == 5


def test_the_fingerprint_is_of_the_content_alone(tmp_path):
    rows = conversations(20)
    rows.to_parquet(tmp_path / "rows.parquet")
    stored = datasets.Dataset.from_parquet(str(tmp_path / "rows.parquet"), cache_dir=str(tmp_path))
    assert fingerprint(stored) == fingerprint(rows)
    assert fingerprint(rows.select(range(19))) != fingerprint(rows)


def test_several_at_once(tmp_path):
    def render(_):
        return render_corpus(conversations(50), mistral_v1(), Limits(), tmp_path).account

    with ThreadPoolExecutor(4) as pool:
        accounts = list(pool.map(render, range(4)))
    assert accounts == accounts[:1] * 4
    assert not list(tmp_path.glob("*.unfinished"))


def test_an_empty_corpus_and_one_of_refused_rows(tmp_path):
    rows = conversations(2).map(lambda row: {"messages": row["messages"][:1]})
    rendered = render_corpus(rows, mistral_v1(), Limits(), tmp_path)
    assert len(rendered.parts) == 0
    assert rendered.account.left_out == {"the last message is not the assistant's": 2}
