"""A sliding view of a byte stream."""

from collections.abc import Iterator

LOOKAHEAD = 4096  # bytes that a decision about what follows may need


class Window:
    """The bytes of a stream from the record being read up to the last chunk that was asked for.

    data:  the bytes held.
    at:    index in `data` where the record being read starts; what lies before may be forgotten.
    base:  offset of `data` in the stream.
    final: `data` reaches the end of the stream.
    """

    __slots__ = ("_chunks", "at", "base", "data", "final")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.data = b""
        self.at = 0
        self.base = 0
        self.final = False

    @property
    def offset(self) -> int:
        """Where the record being read starts in the stream."""
        return self.base + self.at

    def more(self) -> int:
        """Append a chunk, or set `final`; returns how far indices into `data` moved down."""
        chunk = next(self._chunks, None)
        if chunk is None:
            self.final = True
            return 0
        moved = self.at
        self.data = self.data[moved:] + chunk
        self.base += moved
        self.at = 0
        return moved

    def look_ahead(self) -> None:
        """Have `LOOKAHEAD` bytes from `at` on, or all there are."""
        while len(self.data) - self.at < LOOKAHEAD and not self.final:
            self.more()
