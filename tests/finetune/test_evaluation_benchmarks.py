"""The files of the benchmarks, and the prompts made of them."""

import csv
import shutil
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_data import render, rows, write_benchmark

from finetune.evaluation.benchmark import read_benchmark
from finetune.evaluation.files import read_files
from finetune.evaluation.suites import SUITES, Question
from schemas.errors import InputError, RecipeError


@pytest.mark.parametrize("layout", ["ceval", "cmmlu", "mmlu"])
@pytest.mark.parametrize("packed", [False, True])
def test_each_layout_is_told_by_its_tables(tmp_path, layout, packed):
    folder = write_benchmark(tmp_path / "some-name", layout, count=3)
    if packed:
        folder = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    benchmark = read_benchmark(str(folder), shots=5)
    assert benchmark.suite.name == layout
    assert [len(exam.scored) for exam in benchmark.exams.values()] in ([3, 4], [4, 3])
    exam = next(iter(benchmark.exams.values()))
    assert exam.shots == [Question(row[0], tuple(row[1:5]), row[5]) for row in rows(5, seed=9)]


def test_a_zip_and_its_folder_have_the_same_hash(tmp_path):
    folder = write_benchmark(tmp_path / "x", "ceval", count=2)
    packed = shutil.make_archive(str(tmp_path / "y"), "zip", folder)
    assert read_benchmark(str(folder), 5).sha256 == read_benchmark(packed, 5).sha256
    (folder / "val" / "law_val.csv").write_text(render("ceval", rows(2, seed=5)))
    assert read_benchmark(str(folder), 5).sha256 != read_benchmark(packed, 5).sha256


def test_mmlu_as_the_hub_has_it(tmp_path):
    table = {
        "question": ["2 + 2 =", "3 + 3 ="],
        "subject": ["anatomy", "law"],
        "choices": [["3", "4", "5", "6"]] * 2,
        "answer": [1, 3],
    }
    for split in ("dev", "test"):
        pq.write_table(pa.table(table), tmp_path / f"{split}-00000-of-00001.parquet")
    benchmark = read_benchmark(str(tmp_path), shots=1)
    assert benchmark.suite.name == "mmlu"
    assert benchmark.exams["law"].scored == [Question("3 + 3 =", ("3", "4", "5", "6"), "D")]


def test_the_prompts_are_the_authors():
    question = Question("1 + 1 = ?", ("1", "2", "3", "4"), "B")
    options = "\nA. 1\nB. 2\nC. 3\nD. 4\n"
    assert SUITES["ceval"].prompt(question) == f"1 + 1 = ?{options}答案："
    assert SUITES["cmmlu"].prompt(question) == f"题目：1 + 1 = ?{options}答案是："
    assert SUITES["mmlu"].prompt(question) == f"1 + 1 = ?{options}Answer:"


def test_categories_are_the_benchmarks_own():
    sizes = {name: len(suite.known) for name, suite in SUITES.items()}
    assert sizes == {"ceval": 52, "cmmlu": 67, "mmlu": 57}
    assert SUITES["mmlu"].subject("anatomy").categories == ("Other",)
    assert SUITES["cmmlu"].subject("anatomy").categories == ("STEM",)
    assert SUITES["cmmlu"].subject("modern_chinese").categories == (
        "Social Sciences",
        "China specific",
    )
    assert SUITES["ceval"].subject("my_own").title == "my own"


def test_the_limit_takes_the_first_questions(tmp_path):
    folder = str(write_benchmark(tmp_path, "ceval", count=4))
    whole, part = read_benchmark(folder, 5), read_benchmark(folder, 5, limit=2)
    assert part.exams["law"].scored == whole.exams["law"].scored[:2]


def test_a_split_without_answers_is_refused(tmp_path):
    folder = write_benchmark(tmp_path, "ceval", count=2)
    text = (folder / "val" / "law_val.csv").read_text()
    stripped = "\n".join(line.rpartition(",")[0] for line in text.splitlines())
    (folder / "val" / "law_val.csv").write_text(stripped)
    with pytest.raises(InputError, match=r"law_val.csv: has no column answer.*cannot be scored"):
        read_benchmark(str(folder), 5)


def test_an_empty_answer_is_refused_with_its_row(tmp_path):
    folder = write_benchmark(tmp_path, "ceval", count=2, golds={"law": ["A", ""]})
    with pytest.raises(InputError, match=r"law_val.csv, question 2: its answer is ''"):
        read_benchmark(str(folder), 5)


def test_only_the_test_split_of_c_eval(tmp_path):
    folder = write_benchmark(tmp_path, "ceval", count=2)
    (folder / "val").rename(folder / "test")
    with pytest.raises(InputError, match="no val split"):
        read_benchmark(str(folder), 5)


def test_too_few_shots(tmp_path):
    folder = write_benchmark(tmp_path, "ceval", count=2)
    (folder / "dev" / "law_dev.csv").write_text(render("ceval", rows(3)))
    with pytest.raises(InputError, match="law has 3 rows in dev; use --shots 3"):
        read_benchmark(str(folder), 5)


def test_what_is_no_benchmark(tmp_path):
    with pytest.raises(RecipeError, match="did you mean 'ceval'"):
        read_files("cevall")
    with pytest.raises(InputError, match="no CSV or Parquet"):
        read_files(str(tmp_path))
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(InputError, match="cannot be read"):
        read_files(str(tmp_path / "x.zip"))


TEMPLATE = r"{{ cycler['\x5f\x5finit\x5f\x5f'] }} {% for"


@pytest.mark.parametrize("name", [TEMPLATE, "a{{x}}", "law\x1b[2J", "", "法" * 101, "a\nb"])
def test_a_subject_is_a_plain_name(tmp_path, name):
    table = {"question": ["q"], "subject": [name], "choices": [list("1234")], "answer": [0]}
    pq.write_table(pa.table(table), tmp_path / "test.parquet")
    with pytest.raises(InputError, match=r"test\.parquet: .* is no name of a subject"):
        read_benchmark(str(tmp_path), 0)


def test_a_subject_of_a_zip_is_a_plain_name(tmp_path):
    for name, told in ((TEMPLATE, "is no name of a subject"), ("\x1b[2J", "invisible characters")):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr(f"val/{name}_val.csv", render("ceval", rows(1)))
        with pytest.raises(InputError, match=told) as refused:
            read_benchmark(str(tmp_path / "x.zip"), 0)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("q", ["1", "2", "3", "4"], -1), "its answer is '-1', not one of A to D"),
        (("q", ["1", "2", "3", "4"], 4), "its answer is '4'"),
        (("q", ["1", "2", "3", "4"], None), "its answer is 'None'"),
        ((None, ["1", "2", "3", "4"], 1), "four choices, all of them text"),
        (("q", ["1", None, "3", "4"], 1), "four choices, all of them text"),
        (("q", None, 1), "four choices, all of them text"),
        (("q", list("12345"), 1), "four choices, all of them text"),
    ],
)
def test_rows_of_parquet_are_checked(tmp_path, row, told):
    good = ("q", ["1", "2", "3", "4"], 1)
    columns = dict(zip(("question", "choices", "answer"), zip(good, row, strict=True), strict=True))
    pq.write_table(pa.table({**columns, "subject": ["law"] * 2}), tmp_path / "test.parquet")
    with pytest.raises(InputError, match=rf"test\.parquet, question 2: .*{told}"):
        read_benchmark(str(tmp_path), 0)


def test_line_ends_of_old_macs(tmp_path):
    (tmp_path / "law_val.csv").write_bytes(render("ceval", rows(2)).replace("\r\n", "\r").encode())
    assert len(read_benchmark(str(tmp_path), 0).exams["law"].scored) == 2


def test_files_that_are_damaged_or_too_large(tmp_path, monkeypatch):
    csv.field_size_limit(2**17)  # the default, which curation raises for the whole process
    (tmp_path / "law_val.csv").write_text(render("ceval", [["x" * 200_000, *"1234", "A"]]))
    with pytest.raises(InputError, match=r"law_val\.csv: is no CSV \(field larger"):
        read_benchmark(str(tmp_path), 0)
    (tmp_path / "test.parquet").write_bytes(b"PAR1")
    (tmp_path / "law_val.csv").unlink()
    with pytest.raises(InputError, match="is no Parquet table"):
        read_benchmark(str(tmp_path), 0)
    path = tmp_path / "x.zip"
    for method, told in ((zipfile.ZIP_LZMA, "repack"), (zipfile.ZIP_DEFLATED, "more than 5,000")):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("val/law_val.csv", "x" * 6000)
        monkeypatch.setattr("finetune.evaluation.files._MAX_BYTES", 5000)
        with pytest.raises(InputError, match=told):
            read_files(str(path))
    content = path.read_bytes()
    for cut in range(0, len(content), 7):
        path.write_bytes(content[:cut] + b"\xff" * 3 + content[cut + 3 :])
        with pytest.raises(InputError):
            read_files(str(path))


def test_the_real_benchmarks_are_whole(shared_data):
    counts = {"ceval": (52, 1346), "cmmlu": (67, 11582), "mmlu": (57, 14042)}
    for name, (subjects, questions) in counts.items():
        benchmark = read_benchmark(str(shared_data / "benchmarks" / f"{name}.zip"), shots=5)
        assert set(benchmark.exams) == set(benchmark.suite.known)
        assert len(benchmark.exams) == subjects
        assert sum(len(exam.scored) for exam in benchmark.exams.values()) == questions
