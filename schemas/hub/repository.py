"""A repository on the Hub: which one is meant, whether it may be written to, what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from schemas.errors import RecipeError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MAIN = "main"


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

        url = hf_hub_url(self.target.repo, name, repo_type=self.target.kind, revision=self.commit)
        response = get_session().get(url, headers=build_hf_headers())
        hf_raise_for_status(response)
        return bytes(response.content)


def visibility(api: "HfApi", target: Target) -> bool | None:
    """Whether the repository is private; None where there is none.

    Raises RecipeError where it is not as `target` says: no push changes that.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        private = bool(api.repo_info(target.repo, repo_type=target.kind).private)
    except RepositoryNotFoundError as error:
        if error.response.status_code == 401:  # the client says so of a token it does not know too
            raise
        return None
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


def ensure(api: "HfApi", target: Target) -> bool:
    """Make the repository and the branch where they are missing; gives whether it is private."""
    private = visibility(api, target)
    if private is None:
        # Without `private` an organisation's default holds, which may be public.
        private = not target.public
        api.create_repo(target.repo, repo_type=target.kind, private=private, exist_ok=True)
        private = bool(visibility(api, target))
    if target.revision and target.revision not in branches(api, target):
        api.create_branch(target.repo, branch=target.revision, repo_type=target.kind, exist_ok=True)
    return private


def branches(api: "HfApi", target: Target) -> set[str]:
    """Names of the branches."""
    refs = api.list_repo_refs(target.repo, repo_type=target.kind)
    return {branch.name for branch in refs.branches}


def read(api: "HfApi", target: Target, revision: str) -> Remote:
    """The newest commit of a branch or pull request, and what it holds."""
    from huggingface_hub.hf_api import RepoFile

    commit = api.repo_info(target.repo, revision=revision, repo_type=target.kind).sha
    tree = api.list_repo_tree(target.repo, recursive=True, revision=commit, repo_type=target.kind)
    files = {
        one.path: RemoteFile(one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
        for one in tree
        if isinstance(one, RepoFile)
    }
    return Remote(target, commit, files)
