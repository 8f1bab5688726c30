"""A push: one commit from what is there to what should be there, or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import AuroraError
from schemas.hub.changes import Change, Wanted, compare
from schemas.hub.failures import explained
from schemas.hub.names import check_branch, check_name
from schemas.hub.repository import MAIN, Remote, Target, branches, ensure, read, visibility
from schemas.hub.session import hub, patiently

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

#: What should be there, given what is. May be asked again, of another commit.
Prepare = Callable[[Remote], Wanted]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a push would do. private: of the repository, as it is or would be made."""

    creates_repository: bool
    creates_branch: bool
    private: bool
    changes: Sequence[Change]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the Hub has now. `changed` is false where it had all of it before: no commit."""

    url: str
    commit: str
    changed: bool
    private: bool
    changes: Sequence[Change] = ()
    notes: Sequence[str] = ()


def preview(target: Target, prepare: Prepare) -> Preview:
    """What `push` would do now; the Hub is asked and nothing is changed."""
    _check(target)
    with explained(target.repo), hub() as api:
        return patiently(lambda: _preview(api, target, prepare))


def push(target: Target, prepare: Prepare) -> Pushed:
    """Make the repository hold what `prepare` wants, by one commit on what was read.

    Raises RecipeError where the target cannot be as it says, and AuroraError in one sentence.
    """
    _check(target)
    with explained(target.repo), hub() as api:
        return patiently(_Attempt(api, target, prepare))


def _check(target: Target) -> None:
    check_name(target.repo)
    check_branch(target.revision)


def _preview(api: "HfApi", target: Target, prepare: Prepare) -> Preview:
    private = visibility(api, target)
    if private is None:
        remote = Remote(target)
        creates_branch = target.branch != MAIN
    else:
        creates_branch = target.branch not in branches(api, target)
        remote = read(api, target, MAIN if creates_branch else target.branch)
    wanted = prepare(remote)
    return Preview(
        creates_repository=private is None,
        creates_branch=creates_branch,
        private=not target.public if private is None else private,
        changes=compare(remote.files, wanted),
        notes=wanted.notes,
    )


class _Attempt:
    """One attempt after another at the same push; it remembers what may have been committed.

    The answer to a commit may be lost when the Hub has made it. Then the next attempt finds
    everything there already, which is success.
    """

    def __init__(self, api: "HfApi", target: Target, prepare: Prepare) -> None:
        self._api, self._target, self._prepare = api, target, prepare
        self._sent: tuple[Sequence[Change], Sequence[str]] | None = None

    def __call__(self) -> Pushed:
        private = ensure(self._api, self._target)
        remote = read(self._api, self._target, self._target.branch)
        wanted = self._prepare(remote)
        changes = compare(remote.files, wanted)
        there = proposed(self._api, self._target, self._prepare) if changes else (remote, "")
        if there is not None:
            return self._found(*there, private, wanted.notes)
        operations = stored(self._api, self._target, wanted, changes)
        self._sent = changes, wanted.notes
        commit = self._api.create_commit(
            self._target.repo,
            operations,
            commit_message=self._target.title,
            repo_type=self._target.kind,
            revision=self._target.revision,
            create_pr=self._target.create_pr,
            parent_commit=remote.commit,
        )
        url, changed = commit.pr_url or commit.commit_url, commit.oid != remote.commit
        return Pushed(url, commit.oid, changed, private, changes, wanted.notes)

    def _found(self, remote: Remote, url: str, private: bool, notes: Sequence[str]) -> Pushed:
        """Everything is there: it was before this push, or the answer to our commit was lost."""
        changes, said = self._sent or ((), notes)
        where = url or f"{_page(self._api, self._target)}/commit/{remote.commit}"
        return Pushed(where, str(remote.commit), self._sent is not None, private, changes, said)


def proposed(api: "HfApi", target: Target, prepare: Prepare) -> tuple[Remote, str] | None:
    """An open pull request that holds all of it, and its address.

    It is that of a push whose answer was lost, or which was killed: no second one is opened.
    """
    if not target.create_pr:
        return None
    requests = api.get_repo_discussions(
        target.repo,
        repo_type=target.kind,
        discussion_type="pull_request",
        discussion_status="open",
    )
    for one in requests:
        if one.title == target.title:
            remote = read(api, target, f"refs/pr/{one.num}")
            if not compare(remote.files, prepare(remote)):
                return remote, f"{_page(api, target)}/discussions/{one.num}"
    return None


def stored(
    api: "HfApi", target: Target, wanted: Wanted, changes: Sequence[Change]
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    """The operations of the commit, when all large files among them are stored on the Hub."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    gone = [CommitOperationDelete(one.name) for one in changes if one.action == "delete"]
    new = [
        CommitOperationAdd(one.name, wanted.files[one.name])
        for one in changes
        if one.action != "delete"
    ]
    api.preupload_lfs_files(
        target.repo,
        new,
        repo_type=target.kind,
        revision=target.branch,
        create_pr=target.create_pr,
        free_memory=False,
    )
    for one in new:
        name = one.path_in_repo
        if one._should_ignore:  # the client would leave it out of the commit without a word
            raise AuroraError(
                f"{target.repo}: its .gitignore keeps {name} out; change that file on the Hub"
            )
        if one.upload_info.sha256.hex() != wanted.sha256.get(name, one.upload_info.sha256.hex()):
            raise AuroraError(f"{name}: was changed while it was pushed; repeat the command")
    return [*new, *gone]


def _page(api: "HfApi", target: Target) -> str:
    kind = "datasets/" if target.kind == "dataset" else ""
    return f"{api.endpoint}/{kind}{target.repo}"
