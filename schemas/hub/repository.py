"""A repository on the Hub: which one is meant, whether it may be written to, what it holds."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from schemas.errors import AuroraError, RecipeError
from schemas.hub.failures import addressed, asking

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MAIN = "main"
_BRANCH = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a push goes. `title` is the commit's, and a pull request's; `what` is "the corpus"."""

    repo: str
    kind: Literal["dataset", "model"]
    title: str
    what: str
    public: bool = False
    revision: str | None = None
    create_pr: bool = False

    @property
    def branch(self) -> str:
        """The branch that is compared with."""
        return self.revision or MAIN


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file there. `sha256` is that of a large file's content; others have only git's blob id."""

    bytes: int
    blob_id: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Remote:
    """A commit of the repository and its files. Without a commit there is no repository yet."""

    target: Target
    commit: str | None = None
    files: Mapping[str, RemoteFile] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """The content of a file that is there, at just this commit."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            build_hf_headers,
            hf_raise_for_status,
        )

        repo, kind = self.target.repo, self.target.kind
        with asking():
            url = hf_hub_url(repo, name, repo_type=kind, revision=self.commit)
            response = get_session().get(url, headers=build_hf_headers(token=True))
            hf_raise_for_status(response)
            return bytes(response.content)


def check(target: Target) -> None:
    """Raise RecipeError where a repository or branch cannot be pushed to by that name."""
    check_name(target.repo)
    name = target.revision
    if name is None:
        return
    odd = not _BRANCH.fullmatch(name) or ".." in name or name.endswith((".", ".lock"))
    if odd or name.startswith("refs/") or _COMMIT.fullmatch(name):
        raise RecipeError(f"--revision {name!r}: is no name of a branch; write main or v1.0")


def check_name(repo: str) -> None:
    """Raise RecipeError where `repo` is no OWNER/NAME: nothing is asked of the Hub."""
    with addressed():
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    with suppress(HFValidationError):
        validate_repo_id(repo)
        if "/" in repo:  # else the client would take the owner from the token
            return
    raise RecipeError(f"{repo!r}: is no name of a repository; write OWNER/NAME")


def visibility(api: "HfApi", target: Target) -> bool | None:
    """Whether the repository is private; None where there is none.

    Raises RecipeError where it is not as `target` says: no push changes that.
    """
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        with asking():
            private = api.repo_info(target.repo, repo_type=target.kind).private
    except RepositoryNotFoundError as error:
        # The client says so of a token that it does not know too.
        if isinstance(error, GatedRepoError) or error.response.status_code == 401:
            raise
        return None
    if private is None:
        raise AuroraError(f"{target.repo}: the Hub does not say whether it is private; see there")
    if private == target.public:
        is_now, remedy = (
            ("private", "make it public in its settings on the Hub, or leave --public out")
            if private
            else (
                "public",
                f"add --public if everybody may read {target.what}, or name another repository",
            )
        )
        raise RecipeError(f"{target.repo}: is {is_now}; {remedy}")
    return private


def has_branch(api: "HfApi", target: Target) -> bool:
    """Whether the branch is there. Raises RecipeError where a tag has its name."""
    if target.revision is None:
        return True
    with asking():
        refs = api.list_repo_refs(target.repo, repo_type=target.kind)
        branches, tags = ({one.name for one in some} for some in (refs.branches, refs.tags))
    if target.revision in tags and target.revision not in branches:
        raise RecipeError(f"--revision {target.revision}: is a tag of {target.repo}; name a branch")
    return target.revision in branches


def make(api: "HfApi", target: Target, *, repository: bool) -> None:
    """Make the branch, and before it the repository where that is missing."""
    repo, kind = target.repo, target.kind
    with asking():
        if repository:
            # Without `private` an organisation's default holds, which may be public.
            api.create_repo(repo, repo_type=kind, private=not target.public, exist_ok=True)
        if target.branch != MAIN:
            api.create_branch(repo, branch=target.branch, repo_type=kind, exist_ok=True)


def read(api: "HfApi", target: Target, revision: str) -> Remote:
    """The newest commit of a branch or pull request, and what it holds."""
    from huggingface_hub.hf_api import RepoFile

    repo, kind = target.repo, target.kind
    with asking():
        commit = api.repo_info(repo, revision=revision, repo_type=kind).sha
        tree = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind)
        files = {
            one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
            for one in tree
            if isinstance(one, RepoFile)
        }
    return Remote(target, commit, files)
