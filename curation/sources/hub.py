"""Files on the Hugging Face Hub: hf://datasets/OWNER/NAME/FILE@REVISION."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError, RecipeError

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://datasets/([^/@]+/[^/@]+)/(.+?)(?:@([^@]+))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A file, or a pattern over the files, of a data set repository at a revision."""

    repo: str
    file: str
    revision: str

    def __str__(self) -> str:
        return f"hf://datasets/{self.repo}/{self.file}@{self.revision}"


def parse(text: str, asker: str) -> Address:
    """The address that `text` writes; raises RecipeError where a part is missing.

    `asker` begins the message: source 'name'.
    """
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise RecipeError(
            f"{asker}: {text!r} is no address of a file on the Hub; "
            "write hf://datasets/OWNER/NAME/FILE@REVISION"
        )
    if not match[3]:
        raise RecipeError(
            f"{asker}: {text!r} names no revision, so its content may change; append "
            "@ and a commit hash from the data set's history on the Hub"
        )
    return Address(match[1], match[2], match[3])


def fetch(text: str, asker: str, setting: str) -> Iterator[tuple[str, Path]]:
    """Name in the repository and local path of each file that `text` means, sorted by name.

    Downloads what the cache does not have. Raises InputError where the Hub does not give it; its
    message begins with `asker` and may name the `setting` that gives a local file in its place.
    """
    from huggingface_hub import HfApi, hf_hub_download

    address = parse(text, asker)
    with _explained(address, asker, setting):
        names = [address.file]
        if "*" in address.file or "?" in address.file:
            files = HfApi().list_repo_files(
                address.repo, revision=address.revision, repo_type="dataset"
            )
            names = sorted(filter(_pattern(address.file).fullmatch, files))
        paths = [
            hf_hub_download(address.repo, name, revision=address.revision, repo_type="dataset")
            for name in names
        ]
    if not names:
        raise InputError(
            f"{asker}: no file of the repository matches {address}; correct the pattern"
        )
    yield from zip(names, map(Path, paths), strict=True)


@contextmanager
def _explained(address: Address, asker: str, setting: str) -> Iterator[None]:
    """Turn the client's errors into a sentence. Their own texts may hold secrets: not shown."""
    from huggingface_hub import errors

    transport: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # httpx or httpx2
    try:
        yield
    except (OSError, ValueError, transport) as error:
        remedies = {
            errors.GatedRepoError: "accept its conditions on the Hub, then run `hf auth login`",
            errors.RepositoryNotFoundError: (
                "there is no such data set, or it is private; check the name, or `hf auth login`"
            ),
            errors.RevisionNotFoundError: "it has no such revision; check what follows the @",
            errors.RemoteEntryNotFoundError: "it has no such file at that revision; check the path",
            errors.HFValidationError: "that is no name of a data set; write OWNER/NAME",
        }
        otherwise = (
            "the Hub cannot be reached; check the connection, or give a local file with "
            f"--set {setting}"
        )
        remedy = next(
            (text for kind, text in remedies.items() if isinstance(error, kind)), otherwise
        )
        raise InputError(f"{asker}: cannot get {address}: {remedy}") from None


def _pattern(text: str) -> re.Pattern[str]:
    """A glob as a regular expression: `**` crosses folders, `*` and `?` do not."""
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    return re.compile("".join(wildcards.get(piece) or re.escape(piece) for piece in pieces))
