"""Benchmarks from local files: which files, which items, and archives that mean harm."""

import csv
import gzip
import io
import json
import struct
import zipfile
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.sources import archive
from curation.sources.benchmark_items import read_items
from curation.sources.benchmarks import resolve_benchmark
from schemas.errors import AuroraError, InputError, RecipeError

OPTIONS = ("甲", "乙", "丙", "丁")
QUESTIONS = ["第一题，“引号”\n换行？", "第二题，1,2?", "第三题"]


def table(rows, header=None, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return out.getvalue().encode()


def ceval(questions=QUESTIONS, split="val"):
    header = ["id", "question", *"ABCD", *([] if split == "test" else ["answer"])]
    rows = [[i, q, *OPTIONS, "A"][: len(header)] for i, q in enumerate(questions)]
    return table(rows, header)


def cmmlu(questions=QUESTIONS):
    rows = [[i, q, *OPTIONS, "A"] for i, q in enumerate(questions)]
    return table(rows, ["", "Question", *"ABCD", "Answer"])


def mmlu(questions=QUESTIONS):
    return table([[q, *OPTIONS, "D"] for q in questions])


def parquet(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def jsonl(rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def write(tmp_path):
    """Write files below the test's folder."""

    def write_them(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return write_them


@pytest.fixture
def read(tmp_path):
    """Resolve and read a benchmark of the test's folder."""
    return lambda text: read_items(resolve_benchmark(text, tmp_path))


@pytest.fixture
def read_one(write, read):
    """Write one file and read it as a benchmark."""

    def read_it(name, content):
        write({name: content})
        return read(name)

    return read_it


def names(reading):
    return [item.name for item in reading]


def questions(reading):
    return [item.question for item in reading]


# The layouts of the known benchmarks

LAYOUTS = {
    "ceval": {
        "dev/": b"",
        "dev/law_dev.csv": ceval(["开发"], "dev"),
        "test/law_test.csv": ceval(split="test"),
        "val/high_school_art_val.csv": ceval(["艺术"]),
    },
    "cmmlu": {
        "dev/law.csv": cmmlu(["开发"]),
        "test/high_school_art.csv": cmmlu(["艺术"]),
        "test/law.csv": cmmlu(),
    },
    "mmlu": {
        "data/dev/law_dev.csv": mmlu(["开发"]),
        "data/test/law_test.csv": mmlu(),
        "data/val/high_school_art_val.csv": mmlu(["艺术"]),
    },
}
JUNK = {
    ".DS_Store": b"\0\1",
    "README.txt": "说明\n".encode(),
    "__MACOSX/dev/._law_dev.csv": b"\0\5\x16\7",
    "auxiliary_train/law.csv": mmlu(["训练"]),
    "data/possibly_contaminated_urls.txt": b"http://a.example\n",
    "dataset_infos.json": b'{"default": {"features": {}}}',
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layouts_of_the_known_benchmarks_in_a_zip_and_a_folder(write, read, name):
    files = LAYOUTS[name] | JUNK
    write({f"{name}.zip": zipped(files)})
    write({f"in/{name}/{of}": content for of, content in files.items() if not of.endswith("/")})
    from_zip, from_folder = read(f"{name}.zip"), read(f"in/{name}")
    assert from_zip == from_folder
    art = "test" if name == "cmmlu" else "val"
    expected = {f"law/test/{i}": question for i, question in enumerate(QUESTIONS)}
    expected |= {"law/dev/0": "开发", f"high_school_art/{art}/0": "艺术"}
    assert dict(zip(names(from_zip), questions(from_zip), strict=True)) == expected
    assert {(item.benchmark, item.options) for item in from_zip} == {(name, OPTIONS)}


def hub_rows(subject, split):
    return [
        {"question": f"{subject} {split} {i}", "subject": subject, "choices": OPTIONS, "answer": 1}
        for i in range(2)
    ]


def test_mmlu_on_the_hub_in_both_layouts_is_no_item_twice(write, read):
    subjects, splits = ("anatomy", "law"), ("dev", "test", "validation")
    shard = "{}/{}-00000-of-00001.parquet"
    together = {
        shard.format("all", split): parquet([row for s in subjects for row in hub_rows(s, split)])
        for split in splits
    }
    apart = {shard.format(s, t): parquet(hub_rows(s, t)) for s in subjects for t in splits}
    write({f"all/mmlu/{name}": content for name, content in together.items()})
    write({f"each/mmlu/{name}": content for name, content in apart.items()})
    write({f"both/mmlu/{name}": content for name, content in (together | apart).items()})
    readings = [read(f"{layout}/mmlu") for layout in ("all", "each", "both")]
    assert len(readings[0]) == 12
    for reading in readings:
        assert set(reading) == set(readings[0])
        assert len(reading) == 12
    assert "law/validation/1" in names(readings[2])


def test_what_one_file_says_twice_is_two_items(read_one):
    assert names(read_one("q.csv", mmlu(["甲？", "甲？"]))) == ["0", "1"]


def test_subject_and_split_by_name(write, read):
    by_name = {
        "accountant/test-00000-of-00002-0123abcd.parquet": "accountant/test/0",
        "test/software_val.csv": "software_val/test/0",
        "latest.csv": "latest/0",
        "validation-art.csv": "validation-art/0",
        "data/train.jsonl": "train/0",
        "zh/history-valid.json": "history/valid/0",
        "zh/dev.tsv": "zh/dev/0",
    }
    for i, name in enumerate(by_name):
        row = {"question": f"问{i}？"}
        content = parquet([row]) if name.endswith("parquet") else jsonl([row])
        write({f"b/{name}": table([[f"问{i}？"]], ["question"]) if "sv" in name else content})
    found = read("b")
    where = dict(zip(questions(found), names(found), strict=True))
    assert {name: where[f"问{i}？"] for i, name in enumerate(by_name)} == by_name


def test_subject_and_split_by_column(read_one):
    rows = [
        {"question": "一", "subject": " 法 律\n", "split": "val"},
        {"question": "二", "subject": "艺术"},
        {"question": "三", "subject": "法 律", "split": "val"},
        {"question": "四", "category": "历史"},
        {"question": "五", "subject": None},
    ]
    expected = ["法 律/val/0", "艺术/test/0", "法 律/val/1", "历史/test/0", "test/0"]
    assert names(read_one("test.jsonl", jsonl(rows))) == expected


# Files of users


@pytest.mark.parametrize("key", ["question", "Query", "prompt", "instruction", "Problem", "题目"])
@pytest.mark.parametrize(
    "options",
    [
        {"options": list(OPTIONS)},
        {"Choices": dict(zip("ABCD", OPTIONS, strict=True))},
        {"choices": {"text": list(OPTIONS), "label": list("ABCD")}},
        {"choices": [{"label": a, "text": b} for a, b in zip("ABCD", OPTIONS, strict=True)]},
        {"options": json.dumps(OPTIONS)},
        {"options": "\n".join(OPTIONS)},
        dict(zip("DCBA", reversed(OPTIONS), strict=True)),
        {f"option_{a}": b for a, b in zip("abcd", OPTIONS, strict=True)},
        {**dict(zip("ABCD", OPTIONS, strict=True)), "E": None},
    ],
)
def test_keys_and_options(read_one, key, options):
    rows = [{key: "问？", "answer": "A", **options}]
    for name, content in (("u.jsonl", jsonl(rows)), ("u.parquet", parquet(rows))):
        [item] = read_one(name, content)
        assert (item.benchmark, item.name) == ("u", "0")
        assert (item.question, item.options) == ("问？", OPTIONS)


def test_an_instruction_is_asked_with_its_input(read_one):
    rows = [{"instruction": "翻译：", "input": "苹果", "output": "apple"}]
    assert questions(read_one("a.json", jsonl(rows))) == ["翻译：\n苹果"]


ROWS = [{"question": question, "A": "甲", "B": "乙"} for question in QUESTIONS]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.csv", ceval()),
        ("b.CSV", ceval().decode().encode("gb18030")),
        ("b.tsv", table([[q, "甲"] for q in QUESTIONS], ["question", "answer"], "\t")),
        ("b.csv", b"\xef\xbb\xbf" + cmmlu()),
        ("b.csv", cmmlu().decode().encode("utf-16")),
        ("b.csv", b"\r\n" + mmlu()),
        ("b.json", json.dumps(ROWS, indent=2).encode()),
        ("b.json", json.dumps({"data": ROWS}).encode()),
        ("b.json", json.dumps({str(i): row for i, row in enumerate(ROWS)}).encode()),
        ("b.jsonl", jsonl(ROWS)),
    ],
)
def test_containers(read_one, pack, name, content):
    suffix = {gzip.compress: ".gz", zstandard.compress: ".zst"}.get(pack, "")
    reading = read_one(name + suffix, pack(content))
    assert [q.replace("\r", "") for q in questions(reading)] == QUESTIONS
    assert {item.benchmark for item in reading} == {"b"}


def test_a_text_has_one_item_a_line(read_one):
    reading = read_one("我的题.txt", "一题\r\n\n  二题 \n{x}".encode())
    assert questions(reading) == ["一题", "二题", "{x}"]
    assert names(reading) == ["0", "1", "2"]


def test_rows_without_a_question_are_no_items_but_count(read_one):
    rows = [{"question": q, "A": "甲", "B": "乙"} for q in ("一", "", None, "  ", "五")]
    reading = read_one("b.jsonl", jsonl(rows))
    assert questions(reading) == ["一", "五"]
    assert names(reading) == ["0", "4"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.jsonl", jsonl([{"question": "一"}]) + b'\n{"question": "\n'),
        ("b.csv", ceval() + b"3,short\r\n"),
    ],
)
def test_a_row_that_cannot_be_read_is_not_passed_over(read_one, name, content):
    with pytest.raises(InputError, match=f"{name}, byte .*mend or remove the row"):
        read_one(name, content)


# Names, hashes, and what cannot be found


def test_the_name_and_the_hash(write, tmp_path):
    write({"我 ceval!.v1.csv.gz": gzip.compress(ceval()), "题/a.jsonl": jsonl(ROWS)})
    write({"my bench/x.csv": ceval(), "my bench/README.md": b"#", "my bench/y.tsv": ceval()})

    def resolve(text):
        return resolve_benchmark(text, tmp_path)

    assert resolve("my bench").name == resolve("my bench/*.?sv").name == "my-bench"
    assert [name for name, _ in resolve("my bench/").files] == ["x.csv", "y.tsv"]
    assert resolve("我 ceval!.v1.csv.gz").name.startswith("ceval-.v1-")
    assert len(resolve("题").name) == 8
    before = resolve("my bench").sha256
    write({"my bench/README.md": b"# changed"})
    assert resolve("my bench").sha256 == before
    write({"my bench/y.tsv": ceval(["另"])})
    changed = resolve("my bench").sha256
    assert changed != before
    (tmp_path / "my bench/y.tsv").rename(tmp_path / "my bench/z.tsv")
    assert resolve("my bench").sha256 not in (before, changed)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("cevl", RecipeError, "did you mean 'ceval'?"),
        ("C-MMLU", RecipeError, "did you mean 'cmmlu'?"),
        ("gsm", RecipeError, "known: ceval, cmmlu, mmlu"),
        ("none/ceval", InputError, "no file matches it"),
        ("none.zip", InputError, "correct stages.decontaminate.benchmarks"),
        ("*.zip", InputError, "no file matches it"),
        ("empty", InputError, "no CSV, TSV, Parquet or JSON file"),
    ],
)
def test_what_does_not_exist(tmp_path, text, error, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("question\nwhat?")
    with pytest.raises(error) as caught:
        resolve_benchmark(text, tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("b.csv", b"", "it is empty"),
        ("b.csv", table([["一", "二"]], ["id", "text"]), "its columns are 'id', 'text'"),
        ("b.csv", b'"lost\n', "in the header"),
        ("b.json", b"[]", "it is empty"),
        ("b.json", b'["a", "b"]', "no question"),
        ("b.jsonl", jsonl([{"text": "一"}]), "name its column question"),
        ("b.parquet", parquet([{"text": "一"}]), "its columns are 'text'"),
        ("b.parquet", parquet(ROWS)[:-20], "parquet: "),
        ("b.csv.gz", gzip.compress(ceval())[:-12], "gzip: "),
        ("b.csv", b"BZh9" + bytes(99), "bzip2 archive"),
        ("b.txt", b" \n", "it is empty"),
    ],
)
def test_a_file_without_an_item(read_one, name, content, words):
    with pytest.raises(InputError) as caught:
        read_one(name, content)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_one_bad_file_among_good_ones_is_named(write, read):
    write({"b/a.csv": ceval(), "b/mapping.json": b'{"law": {"category": "Other"}}'})
    with pytest.raises(InputError, match=r"mapping\.json.*leave the file out"):
        read("b")
    assert len(read("b/*.csv")) == 3


# Archives that mean harm

GOOD = {"test/law.csv": cmmlu()}


def refused(read_one, content, words):
    with pytest.raises(InputError) as caught:
        read_one("b.zip", content)
    assert words in str(caught.value)
    assert "b.zip" in str(caught.value)


def with_flag(content, flag):
    """The archive with a flag set on its first member, in both of its headers."""
    central = content.index(b"PK\1\2")
    for at in (6, central + 8):
        flags = struct.unpack_from("<H", content, at)[0] | flag
        content = content[:at] + struct.pack("<H", flags) + content[at + 2 :]
    return content


def with_size(content, size):
    """The archive with another unpacked size for its first member, in both of its headers."""
    central = content.index(b"PK\1\2")
    for at in (22, central + 24):
        content = content[:at] + struct.pack("<I", size) + content[at + 4 :]
    return content


def test_an_encrypted_member(read_one):
    refused(read_one, with_flag(zipped(GOOD), 0x1), "is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bound(read_one, method):
    refused(read_one, zipped(GOOD, method), "not packed with deflate")


def test_a_member_and_an_archive_that_are_too_large(read_one, monkeypatch):
    bomb = zipped({f"{i}.csv": bytes(200_000) for i in range(4)})
    assert len(bomb) < 2000
    monkeypatch.setattr(archive, "MAX_FILE", 100_000)
    refused(read_one, bomb, "larger than 100000 bytes")
    monkeypatch.setattr(archive, "MAX_FILE", 300_000)
    monkeypatch.setattr(archive, "MAX_TOTAL", 700_000)
    refused(read_one, bomb, "unpacks to more than 700000 bytes")


@pytest.mark.parametrize("size", [0, 10, 10**6, 2**32 - 2])
def test_a_member_that_lies_about_its_size(read_one, size):
    refused(read_one, with_size(zipped(GOOD), size), "")


def test_many_members_that_share_their_bytes(read_one, monkeypatch):
    content = zipped({"a.csv": bytes(100_000)})
    central = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    entry, tail = content[central:end], content[end:]
    tail = tail[:8] + struct.pack("<HHI", 50, 50, 50 * len(entry)) + tail[16:]
    monkeypatch.setattr(archive, "MAX_TOTAL", 10**6)
    refused(read_one, content[:central] + 50 * entry + tail, "unpacks to more than")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_is_too_large(read_one, monkeypatch, pack):
    monkeypatch.setattr("curation.sources.benchmark_rows.MAX_FILE", 100_000)
    content = pack(b"question\n" + b"a\n" * 10**5)
    for name, file in (("b.csv", content), ("c.zip", zipped({"b.csv": content}))):
        with pytest.raises(InputError, match="larger than 100000 bytes"):
            read_one(name, file)


@pytest.mark.parametrize(
    "name", ["../../evil/law_test.csv", "/evil/law_test.csv", "..\\law_test.csv"]
)
def test_a_name_that_leaves_the_archive_is_only_a_name(tmp_path, read_one, name):
    before = {path for path in tmp_path.parent.rglob("*") if "evil" in str(path)}
    reading = read_one("b.zip", zipped({name: cmmlu()}))
    assert names(reading) == ["law/test/0", "law/test/1", "law/test/2"]
    assert before == {path for path in tmp_path.parent.rglob("*") if "evil" in str(path)}


def test_names_in_the_encodings_of_other_systems(read_one):
    for encoding in ("utf-8", "gb18030"):
        raw = "法律_test.csv".encode(encoding)
        content = zipped({"x" * len(raw): cmmlu()}).replace(b"x" * len(raw), raw)
        assert names(read_one("b.zip", content))[0] == "法律/test/0"


def test_a_member_without_a_name(read_one):
    content = zipped({"a": b"x"})
    for mark, at in ((b"PK\3\4", 26), (b"PK\1\2", 28)):
        start = content.index(mark) + at
        content = content[:start] + b"\0\0\1\0" + content[start + 4 :]  # its letter: an extra field
    refused(read_one, content, "")


def test_an_archive_without_data_and_an_archive_in_an_archive(read_one):
    refused(read_one, zipped({"README.txt": b"a"}), "no CSV, TSV, Parquet or JSON file")
    refused(read_one, zipped({}), "no CSV, TSV, Parquet or JSON file")
    refused(read_one, zipped({"a.csv": zipped(GOOD)}), "zip archive")


def questions_or_error(path):
    """What a benchmark asks, or the sentence that refuses it."""
    try:
        return set(questions(read_items(resolve_benchmark(path.name, path.parent))))
    except AuroraError as error:
        return str(error)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_archive_is_read_or_refused_in_a_sentence(tmp_path_factory, data):
    content = bytearray(zipped(GOOD | {"dev/law.json": json.dumps(ROWS).encode()}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(content[: data.draw(st.integers(4, len(content)) | st.just(len(content)))])
    found = questions_or_error(path)
    assert path.name in found if isinstance(found, str) else found <= set(QUESTIONS)


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from(["csv", "json", "jsonl", "txt", "parquet", "tsv"]))
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path_factory, content, suffix):
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(content)
    found = questions_or_error(path)
    assert path.name in found if isinstance(found, str) else found


# The real ones


@pytest.mark.parametrize(
    ("name", "count", "subjects", "header"),
    [("ceval", 13_948, 52, True), ("cmmlu", 11_917, 67, True), ("mmlu", 15_858, 57, False)],
)
def test_the_real_benchmarks_are_read_whole(shared_data, name, count, subjects, header):
    path = shared_data / "benchmarks" / f"{name}.zip"
    reading = read_items(resolve_benchmark(f"{name}.zip", path.parent))
    assert len(reading) == count
    assert len({item.subject for item in reading}) == subjects
    assert {item.split for item in reading} <= {"dev", "val", "test"}
    assert len({item.name for item in reading}) == count
    expected: Counter[tuple[str, ...]] = Counter()
    with zipfile.ZipFile(path) as packed:
        for member in packed.namelist():
            if member.endswith(".csv"):
                text = io.StringIO(packed.read(member).decode("utf-8-sig"), newline="")
                rows = list(csv.reader(text))
                cells = rows[0] if header else ["question", *"ABCD"]
                at = next(i for i, cell in enumerate(cells) if cell.lower() == "question")
                expected.update(
                    tuple(cell.strip() for cell in row[at : at + 5]) for row in rows[header:]
                )
    assert Counter((item.question, *item.options) for item in reading) == expected
