"""A file as unpacked bytes. Compression is told by magic bytes, never by the file's name."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import zstandard

from curation.sources.items import Problem

# Packed bytes per step. A step of gzip unpacks to 1032 times its size at most (zlib's manual), one
# of Zstandard to 128 KiB per 4-byte block (RFC 8878), so that memory stays bounded for both.
GZIP_STEP = 16 * 2**10
ZSTD_STEP = 2 * 2**10
PLAIN_STEP = 2**20

MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
UNSUPPORTED = {b"PK\x03\x04": "zip", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2", b"7z\xbc\xaf": "7z"}

_ERRORS = (zlib.error, zstandard.ZstdError)


class Stream:
    """Unpacked chunks of a file.

    compression: none, gzip or zstd.
    damage:      after the last chunk, why there are no more, if not because the file ended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        head = file.read(8)
        file.seek(0)
        self.compression = next((n for magic, n in MAGIC.items() if head.startswith(magic)), "none")
        self.damage: Problem | None = None
        foreign = next((n for magic, n in UNSUPPORTED.items() if head.startswith(magic)), None)
        if foreign:
            self._fail("unsupported_compression", f"{foreign} archive; unpack it or use gzip, zstd")

    def __iter__(self) -> Iterator[bytes]:
        if self.damage:
            return
        try:
            yield from self._plain() if self.compression == "none" else self._unpacked()
        except OSError as error:
            self._fail("unreadable_file", error.strerror or "read error")

    def _fail(self, reason: str, error: str) -> None:
        self.damage = Problem(reason, {"error": error})

    def _plain(self) -> Iterator[bytes]:
        while chunk := self._file.read(PLAIN_STEP):
            yield chunk

    def _unpacked(self) -> Iterator[bytes]:
        """Members (gzip) or frames (zstd), one after the other, up to the end or the damage."""
        gzip = self.compression == "gzip"
        start: Callable[[], Any] = _inflater if gzip else zstandard.ZstdDecompressor().decompressobj
        step = GZIP_STEP if gzip else ZSTD_STEP
        decoder = start()
        while piece := self._file.read(step):
            while piece:
                if decoder.eof:  # another member follows, or the zeros that tapes are padded with
                    piece = piece.lstrip(b"\0")
                    decoder = start() if piece else decoder
                    continue
                chunk, error = _step(decoder, piece)
                if chunk:
                    yield chunk
                if error:
                    return self._fail("damaged_stream", f"{self.compression}: {error}")
                piece = decoder.unused_data if decoder.eof else b""
        if not decoder.eof:
            self._fail("damaged_stream", f"{self.compression}: the file ends before its stream")
        return None


def _inflater() -> Any:
    return zlib.decompressobj(wbits=31)


def _step(decoder: Any, piece: bytes) -> tuple[bytes, str | None]:
    """What `piece` unpacks to and the error that ended it; what came before the error is kept."""
    backup = decoder.copy() if hasattr(decoder, "copy") else None
    try:
        return decoder.decompress(piece), None
    except _ERRORS as error:
        return _salvage(backup, piece) if backup else b"", str(error)


def _salvage(decoder: Any, piece: bytes) -> bytes:
    """Unpack byte by byte up to the byte that fails."""
    chunks = []
    try:
        for i in range(len(piece)):
            chunks.append(decoder.decompress(piece[i : i + 1]))  # noqa: PERF401 (kept on error)
    except _ERRORS:
        pass
    return b"".join(chunks)
