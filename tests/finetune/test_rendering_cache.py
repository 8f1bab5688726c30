"""The cache of rendered corpora."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from finetune.rendering.cache import fingerprint, render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.processes import in_order
from finetune.rendering.split import Limits, account, cut
from schemas.errors import AuroraError

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


@pytest.mark.parametrize("name", ["account.json", "forecast.json", "parts.arrow"])
@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], None])
def test_a_damaged_entry_is_made_anew(tmp_path, name, damage):
    first = render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    if damage:
        content = path.read_bytes()
        path.unlink()  # the first call has it mapped
        path.write_bytes(damage(content))
    else:
        path.unlink()
    again = render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path)
    assert again.account == first.account
    assert again.parts[:] == first.parts[:]


def test_a_disk_that_takes_nothing_is_a_sentence(tmp_path):
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(AuroraError, match=rf"{tmp_path}: .*AURORA_CACHE"):
            render_corpus(conversations(900), mistral_v1(), Limits(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.glob("*.unfinished"))


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


SCRIPT = """
import sys
from pathlib import Path
from datasets import Dataset
from finetune.rendering.cache import render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.split import Limits

if __name__ == "__main__":
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "很" * 50}]
    rows = Dataset.from_dict({"id": map(str, range(%d)), "messages": [turns * 9] * %d})
    print("ready", flush=True)
    found = render_corpus(rows, mistral_v1(), Limits(200), Path(sys.argv[1]), workers=%d)
    print(found.account.model_dump_json())
"""


def start(tmp_path, rows, workers):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT % (rows, rows, workers))
    return subprocess.Popen(
        [sys.executable, script, tmp_path / "cache"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


def test_two_processes_at_once(tmp_path):
    running = [start(tmp_path, 600, 1) for _ in range(2)]
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert printed[0] == printed[1] != ""
    assert [process.returncode for process in running] == [0, 0]
    assert sum(path.is_dir() for path in (tmp_path / "cache").iterdir()) == 1


def test_ctrl_c_ends_all_processes(tmp_path):
    process = start(tmp_path, 40_000, 2)
    process.stdout.readline()
    wait_for(lambda: list((tmp_path / "cache").glob("*.unfinished/parts.arrow")))
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    wait_for(lambda: not exists(process.pid))


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_any_number_of_processes_writes_the_same(tmp_path):
    rows, limits = conversations(1300), Limits(40, carry_rounds=1)
    found = [render_corpus(rows, mistral_v1(), limits, tmp_path / str(n), n) for n in (1, 2)]
    assert found[0].account == found[1].account
    assert found[0].forecast == found[1].forecast
    one, two = (path.read_bytes() for path in sorted(tmp_path.glob("*/*/parts.arrow")))
    assert one == two


def test_an_error_of_a_process_is_the_same_sentence(tmp_path):
    rows = conversations(1300)
    for workers in (1, 2):
        with pytest.raises(AuroraError, match=r"^conversation 1 has 25 tokens, more than max_"):
            render_corpus(rows, mistral_v1(), Limits(20, "refuse"), tmp_path, workers)


def test_messages_that_are_not_there(tmp_path):
    rows = datasets.Dataset.from_list(
        [
            {"id": "a", "messages": None},
            {"id": "b", "messages": [{"role": "user", "content": "q"}]},
            {"id": "c", "messages": [{"role": "user", "content": None}]},
        ]
    )
    rendered = render_corpus(rows, mistral_v1(), Limits(), tmp_path)
    reasons = {"the last message is not the assistant's": 2, "a message has no text": 1}
    assert rendered.account.left_out == reasons


def test_an_empty_corpus_and_one_of_refused_rows(tmp_path):
    rows = conversations(2).map(lambda row: {"messages": row["messages"][:1]})
    rendered = render_corpus(rows, mistral_v1(), Limits(), tmp_path)
    assert len(rendered.parts) == 0
    assert rendered.account.left_out == {"the last message is not the assistant's": 2}


def test_an_error_of_rendering_is_not_one_of_the_cache(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError("no process")

    monkeypatch.setattr("finetune.rendering.cache.in_order", fails)
    with pytest.raises(AuroraError, match=r"\(no process\); check the corpus"):
        render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(AuroraError, match="cannot be kept there"):
        render_corpus(conversations(3), mistral_v1(), Limits(), tmp_path / "file")


def test_a_process_that_dies_is_a_sentence_with_the_cause():
    with pytest.raises(AuroraError, match=r"died, .*\(.*terminated abruptly.*\)") as caught:
        list(in_order(os._exit, [1], 2))
    assert "\n" not in str(caught.value)
