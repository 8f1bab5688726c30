"""The files in a zip, read in memory: no name in it ever becomes a path on this machine."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.errors import InputError

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # a member's header; the end of an empty archive

#: Bytes that one file may have, and all of an archive that are wanted. MMLU's largest has 2 MB, and
#: all of MMLU 7 MB; what a zip of 1 MB can claim to hold is 1 GB.
MAX_FILE = 128 * 2**20
MAX_TOTAL = 512 * 2**20

#: The two methods that Python unpacks in steps of a stated size.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800

# What zipfile raises at damage, apart from its own error.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,  # a member without a name
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def is_zip(path: Path) -> bool:
    """Whether the file at `path` starts as a zip does; raises OSError."""
    with path.open("rb") as file:
        return file.read(4) in MAGIC


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name (with forward slashes) and content of each file in the zip that is `wanted`, by name.

    Raises InputError where the archive is damaged, or one of these files is encrypted, packed by
    another method than deflate, or larger than `MAX_FILE`, or all are larger than `MAX_TOTAL`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            named = [(_name(info), info) for info in archive.infolist() if not info.is_dir()]
            chosen = sorted(((n, i) for n, i in named if wanted(n)), key=lambda pair: pair[0])
            _check(path, chosen)
            for name, info in chosen:
                yield name, _content(archive, info)
    except _DAMAGE as error:
        raise InputError(f"{path}: damaged zip ({error}); fetch it again or pack it anew") from None


def _check(path: Path, chosen: list[tuple[str, zipfile.ZipInfo]]) -> None:
    """Refuse what cannot be read, or should not be, before anything is unpacked."""
    for name, info in chosen:
        where = f"{path}: {name!r} in it"
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{where} is encrypted; pack it anew without a password")
        if info.compress_type not in _METHODS:
            raise InputError(f"{where} is not packed with deflate; pack it anew, or unpack it")
        if info.file_size > MAX_FILE:
            raise InputError(f"{where} is larger than {MAX_FILE} bytes; split it, or leave it out")
    if sum(info.file_size for _, info in chosen) > MAX_TOTAL:
        raise InputError(f"{path}: unpacks to more than {MAX_TOTAL} bytes; give a part of it")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The member's bytes: zipfile stops at the size it declares and checks them by its CRC."""
    with archive.open(info) as file:
        content = file.read(info.file_size)
    if len(content) != info.file_size:
        raise zipfile.BadZipFile(f"{info.filename!r} is not as long as it claims")
    return content


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name: zipfile reads names without a UTF-8 flag as cp437, which few are in."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & _UTF8_NAME:
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return name
