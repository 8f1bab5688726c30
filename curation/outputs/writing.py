"""Files that take the place of older ones: all of them, or where one cannot be written, none."""

from collections.abc import Mapping
from pathlib import Path

from schemas.errors import AuroraError


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write every file beside its place first, then move them there, in order.

    A link at a place is replaced, and not followed. Raises AuroraError, which names the file.
    """
    partial = {path: path.with_name(f".{path.name}.partial") for path in files}
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(exist_ok=True)
            _write_new(partial[path], content)
        for path in files:
            partial[path].replace(path)
    except OSError as error:
        raise AuroraError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        for one in partial.values():
            _forget(one)


def _write_new(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # of a run that was killed; or a link to somewhere else
    with path.open("xb") as file:
        file.write(content)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # its folder is not there, or may not be written: so neither is the file
        return
