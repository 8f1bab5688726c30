"""Record ids that depend on the record and on nothing else of the run."""

from hashlib import blake2b
from typing import Any

import orjson

DIGEST_SIZE = 8  # bytes; a million records of one source share an id with probability 3e-8


class Identity:
    """Gives ids to the records of one file, in file order.

    An id is a digest of the file's name, the record's content and how many identical records came
    before it in the file. Per distinct record one 8-byte digest is remembered.
    """

    def __init__(self, source: str, name: str) -> None:
        self._source = source
        self._prefix = blake2b(
            name.encode("utf-8", "surrogateescape") + b"\0", digest_size=DIGEST_SIZE
        )
        self._seen: dict[bytes, int] = {}

    def of(self, content: bytes) -> str:
        """The id of the next record, `content` being its canonical bytes."""
        digest = self._prefix.copy()
        digest.update(content)
        key = digest.digest()
        earlier = self._seen.get(key, 0)
        self._seen[key] = earlier + 1
        digest.update(earlier.to_bytes(8, "little"))
        return f"{self._source}-{digest.hexdigest()}"


def canonical(value: Any) -> bytes:
    """The bytes that stand for a parsed record: JSON with sorted keys.

    Raises TypeError where the value nests deeper than orjson writes (254 levels).
    """
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=str, option=options)
