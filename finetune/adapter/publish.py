"""An adapter's directory on the Hub: private unless said otherwise, in one commit or none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.adapter.check import is_public
from schemas.errors import AuroraError, RecipeError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

#: What the Hub answers → what to do. Its own texts may repeat what was sent: they are not shown.
_REMEDIES = {
    401: "it does not know your token; run `hf auth login`",
    403: "your token may not write there; make one with write access and run `hf auth login`",
    404: "it has no such repository or revision, or your token may not see it; check both names",
    409: "it is busy with another change; repeat the command",
    412: "somebody else changed the repository meanwhile; look at it and repeat the command",
    413: "a file is too large for it; push from a directory that only finetune.train wrote",
    429: "it asks to wait; repeat the command later",
}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the Hub has now. `changed` is false where it had all of it before: no commit."""

    url: str
    commit: str
    changed: bool
    private: bool


def check_name(repo: str) -> None:
    """Raise RecipeError where `repo` is no OWNER/NAME: nothing is asked of the Hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    with suppress(HFValidationError):
        validate_repo_id(repo)
        if "/" in repo:  # else the client would take the owner from the token
            return
    raise RecipeError(f"{repo!r}: is no name of a repository; write OWNER/NAME")


def push_files(
    files: Mapping[str, Path | bytes],
    repo: str,
    *,
    public: bool,
    revision: str | None,
    create_pr: bool,
) -> Pushed:
    """Make the repository's part of an adapter equal to `files`, by one commit on what was read.

    Large files are stored before, so that the commit is all or nothing; what the Hub has already
    is not sent. Other files of the repository stay. `repo` went through check_name. Raises
    AuroraError in one sentence.
    """
    from huggingface_hub import HfApi, get_token

    if not (get_token() or "").isascii():
        raise AuroraError(
            "the Hub's token (HF_TOKEN, or of `hf auth login`) has characters that no token has; "
            "copy it again"
        )
    with _explained(repo):
        api = HfApi()
        private = _ensure_repository(api, repo, public=public)
        if revision:
            api.create_branch(repo, branch=revision, exist_ok=True)
        parent = api.repo_info(repo, revision=revision).sha
        commit = api.create_commit(
            repo,
            _operations(api, files, repo, parent),
            commit_message="Upload an adapter of Aurora",
            revision=revision,
            create_pr=create_pr,
            parent_commit=parent,
        )
    return Pushed(commit.pr_url or commit.commit_url, commit.oid, commit.oid != parent, private)


def _ensure_repository(api: "HfApi", repo: str, *, public: bool) -> bool:
    """Make the repository if there is none; gives whether it is private."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        private = bool(api.repo_info(repo).private)
    except RepositoryNotFoundError:
        api.create_repo(repo, private=not public, exist_ok=True)
        private = bool(api.repo_info(repo).private)
    if private == public:
        is_now, remedy = (
            ("private", "make it public in its settings on the Hub, or leave --public out")
            if private
            else ("public", "add --public if everybody may read the adapter, or name another")
        )
        raise RecipeError(f"{repo}: is {is_now}; {remedy}")
    return private


def _operations(
    api: "HfApi", files: Mapping[str, Path | bytes], repo: str, parent: str | None
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    """Additions of all files, and the deletion of those that an earlier adapter left."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    there = api.list_repo_files(repo, revision=parent)
    stale = [name for name in there if is_public(name) and name not in files]
    return [
        *(CommitOperationAdd(name, content) for name, content in sorted(files.items())),
        *(CommitOperationDelete(name) for name in sorted(stale)),
    ]


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """Turn the client's errors into a sentence without its texts."""
    from huggingface_hub import errors

    transport: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # httpx or httpx2
    try:
        yield
    except errors.LocalTokenNotFoundError:
        raise AuroraError(f"{repo}: the Hub needs a token; run `hf auth login`") from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        remedy = _REMEDIES.get(status, "repeat the command later")
        raise AuroraError(f"{repo}: the Hub answers {status}: {remedy}") from None
    except (transport, ConnectionError, TimeoutError):
        raise AuroraError(
            f"{repo}: the Hub cannot be reached; check the connection and repeat the command"
        ) from None
    except ValueError:  # the client's way to say that the Hub refuses the card or a large file
        raise AuroraError(
            f"{repo}: the Hub refuses the metadata of README.md or a large file; mend the card, or "
            "repeat the command later"
        ) from None
