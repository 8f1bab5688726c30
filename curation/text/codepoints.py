"""Many texts as one array of code points, so that a rule over characters is one numpy call."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UNICODE_SIZE = 0x110000


@dataclass(frozen=True, slots=True)
class CodePoints:
    """n texts, one after the other.

    points:  (total,) uint32, the code points of all texts.
    offsets: (n + 1,) int64, text i is `points[offsets[i]:offsets[i + 1]]`.
    """

    points: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.StringArray) -> "CodePoints":
        """Decode an Arrow string array; null counts as empty."""
        start, end = texts.offset, texts.offset + len(texts)
        _, offset_buffer, data = texts.buffers()
        byte_offsets = np.frombuffer(offset_buffer, np.int32)[start : end + 1].astype(np.int64)
        raw = memoryview(data)[byte_offsets[0] : byte_offsets[-1]] if data else b""
        points = np.frombuffer(str(raw, "utf-8").encode("utf-32-le"), np.uint32)
        # A code point starts at every byte that is not a UTF-8 continuation byte (10xxxxxx).
        starts = (np.frombuffer(raw, np.uint8) & 0xC0) != 0x80
        before = np.concatenate([[0], np.cumsum(starts)])
        return cls(points, before[byte_offsets - byte_offsets[0]])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) characters per text."""
        return np.diff(self.offsets)

    def count(self, table: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n,) how many characters of each text are in `table`, a flag per code point."""
        before = np.concatenate([[0], np.cumsum(table[self.points])])
        return np.diff(before[self.offsets])


def table(characters: Iterable[int]) -> NDArray[np.bool_]:
    """A flag per code point, true for `characters`."""
    flags = np.zeros(UNICODE_SIZE, bool)
    flags[list(characters)] = True
    return flags
