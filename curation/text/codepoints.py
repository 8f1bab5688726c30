"""Many texts as one array of code points, so that a rule over characters is one numpy call."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
        lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        data = texts.buffers()[2]
        if data is None:
            return cls(np.zeros(0, np.uint32), offsets)
        start, end = texts.offset, texts.offset + len(texts)
        bounds = np.frombuffer(texts.buffers()[1], np.int32)
        raw = memoryview(data)[bounds[start] : bounds[end]]
        return cls(np.frombuffer(str(raw, "utf-8").encode("utf-32-le"), np.uint32), offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(n,) characters per text."""
        return np.diff(self.offsets)
