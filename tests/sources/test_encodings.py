"""Encodings and compression, told by content."""

import codecs
import gzip
import json

import pytest
import zstandard

from curation.sources.files import SourceFile
from curation.sources.inspect import inspect
from curation.sources.record import Conversation
from schemas.recipe import Source

ROWS = [
    {"instruction": f"第{i}个问题：珠乗倂{{}}[]", "output": f"第{i}个回答，很长很长。"}
    for i in range(40)
]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
ANSWERS = [row["output"] for row in ROWS]

ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8-sig": TEXT.encode("utf-8-sig"),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "utf-16-le, mark": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16-be, mark": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "utf-32-le": TEXT.encode("utf-32-le"),
    "utf-32-be": TEXT.encode("utf-32-be"),
    "utf-32-le, mark": codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
    "utf-32-be, mark": codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    "gb18030": TEXT.encode("gb18030"),
}
PACK = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "none": bytes}


def answers(records):
    return [r.messages[1].content for r in records if isinstance(r, Conversation)]


def reasons(records):
    return [r.reason for r in records if not isinstance(r, Conversation)]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("encoding", ENCODED)
def test_every_encoding_in_every_packing(tmp_path, encoding, packing):
    path = tmp_path / "x.txt"
    path.write_bytes(PACK[packing](ENCODED[encoding]))
    found = inspect(SourceFile("s", "x.txt", path), Source(name="s", path="x.txt"), rows=99)
    assert [c.messages[1].content for c in found.examples] == ANSWERS
    assert (found.encoding, found.compression) == (encoding.split(",")[0], packing)
    assert (found.records, found.conversations, found.container) == (40, 40, "json lines")


def test_chunks_do_not_split_characters(read_bytes, monkeypatch):
    monkeypatch.setattr("curation.sources.stream.PLAIN_STEP", 7)
    for content in ENCODED.values():
        assert answers(read_bytes(content)) == ANSWERS


def test_gb18030_that_starts_as_ascii(read_bytes):
    ascii_part = b'{"instruction": "hello", "output": "world"}\n' * 20_000
    records = read_bytes(ascii_part + ENCODED["gb18030"])
    assert answers(records)[20_000:] == ANSWERS


@pytest.mark.parametrize("damage", [b"\xff", b"\x80", b"\xc8", b"A", b""])
def test_damaged_utf8_stays_utf8_and_loses_one_record(read_bytes, damage):
    content = ENCODED["utf-8"]
    at = content.index("第20个回答".encode())
    records = read_bytes(content[:at] + damage + content[at + 1 :])
    assert answers(records) == ANSWERS[:20] + ANSWERS[21:]
    assert reasons(records) == ["invalid_encoding"]


def test_one_damaged_byte_in_ascii(read_bytes):
    good = b'{"instruction": "hello", "output": "world"}\n'
    records = read_bytes(good + good.replace(b"world", b"w\xb8\xadrld") + good)
    assert answers(records) == ["world", "world"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le"])
def test_damage_in_other_encodings_loses_one_record(read_bytes, encoding):
    content = ENCODED[encoding]
    at = content.index("第20个回答".encode(encoding))
    damage = b"\xff" if encoding == "gb18030" else b"\x00\xd8"
    records = read_bytes(content[:at] + damage + content[at + len(damage) :])
    assert answers(records) == ANSWERS[:20] + ANSWERS[21:]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_truncated_stream_is_one_more_record(read_bytes, packing):
    noise = "".join(chr(0x4E00 + i * i % 20000) for i in range(60_000))
    rows = [{"instruction": str(i), "output": noise[i * 50 : i * 50 + 500]} for i in range(1000)]
    content = PACK[packing]("\n".join(map(json.dumps, rows)).encode())
    records = read_bytes(content[: len(content) // 2])
    assert len(answers(records)) > 100
    assert answers(records) == [row["output"] for row in rows[: len(records) - 1]]
    assert reasons(records) == ["damaged_stream"]


def test_a_corrupt_gzip_keeps_what_came_before(read_bytes):
    content = bytearray(gzip.compress(ENCODED["utf-8"]))
    content[-8:-4] = b"\0\0\0\0"  # the checksum
    records = read_bytes(bytes(content))
    assert answers(records) == ANSWERS
    assert reasons(records) == ["damaged_stream"]


def test_a_damaged_block(read_bytes):
    content = gzip.compress(ENCODED["utf-8"]) + b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff"
    records = read_bytes(content)
    assert answers(records) == ANSWERS
    assert reasons(records) == ["damaged_stream"]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_members_that_were_joined(read_bytes, packing):
    assert answers(read_bytes(PACK[packing](ENCODED["utf-8"]) * 3)) == ANSWERS * 3


def test_gzip_padded_with_zeros(read_bytes):
    records = read_bytes(gzip.compress(ENCODED["utf-8"]) + b"\0" * 40_000)
    assert (answers(records), reasons(records)) == (ANSWERS, [])


def test_bytes_after_the_stream(read_bytes):
    records = read_bytes(gzip.compress(ENCODED["utf-8"]) + b"rubbish")
    assert (answers(records), reasons(records)) == (ANSWERS, ["damaged_stream"])


def test_an_empty_stream(read_bytes):
    assert reasons(read_bytes(gzip.compress(b""))) == ["empty_file"]


def test_an_archive_of_another_kind(read_bytes):
    (record,) = read_bytes(b"PK\x03\x04" + bytes(100))
    assert record.reason == "unsupported_compression"
    assert "zip" in record.evidence["error"]


def test_a_bomb_stays_small(tmp_path, read_bytes):
    records = read_bytes(gzip.compress(bytes(20_000_000)))
    assert len(records) == 1
