"""A push: one commit from what is there to what should be there, or none."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import AuroraError
from schemas.hub.changes import Change, Wanted, compare
from schemas.hub.failures import AgainError, asking, attempts, explained, is_lost
from schemas.hub.repository import MAIN, Remote, Target, check, has_branch, make, read, visibility
from schemas.hub.session import patiently
from schemas.hub.store import stored

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi

#: What should be there, given what is. May be asked again, of another commit.
Prepare = Callable[[Remote], Wanted]
#: Seconds between looks for a pull request whose answer was lost: the Hub may still be at work.
LOOKS = (2.0, 4.0, 8.0, 16.0, 30.0, 30.0)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a push would do. private: of the repository, as it is or would be made.

    url: of the open pull request that holds all of it, where nothing would be sent for that.
    """

    creates_repository: bool
    creates_branch: bool
    private: bool
    changes: Sequence[Change]
    notes: Sequence[str]
    url: str = ""


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
    check(target)
    with explained(target.repo):
        return patiently(lambda api: _plan(api, target, prepare).preview)


def push(target: Target, prepare: Prepare) -> Pushed:
    """Make the repository hold what `prepare` wants, by one commit on what was read.

    Raises RecipeError where the target cannot be as it says, and AuroraError in one sentence.
    """
    check(target)
    with explained(target.repo):
        return patiently(_Attempt(target, prepare))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done, and on what: `remote` is what was compared with."""

    preview: Preview
    remote: Remote
    wanted: Wanted

    @property
    def makes(self) -> bool:
        return self.preview.creates_repository or self.preview.creates_branch


def _plan(api: "HfApi", target: Target, prepare: Prepare) -> _Plan:
    """Ask the Hub; change nothing."""
    private = visibility(api, target)
    if private is None:
        remote, branch = Remote(target), target.branch == MAIN
    else:
        branch = has_branch(api, target)
        remote = read(api, target, target.branch if branch else MAIN)
    wanted = prepare(remote)
    changes, url = compare(remote, wanted), ""
    if changes and target.create_pr and private is not None:
        found = _proposed(api, target, prepare)
        remote, url, changes = (*found, []) if found else (remote, "", changes)
    hidden = not target.public if private is None else private
    shown = Preview(private is None, not branch, hidden, changes, wanted.notes, url)
    return _Plan(shown, remote, wanted)


class _Attempt:
    """One attempt after another at the same push; it remembers what may have been committed.

    The answer to a commit may be lost when the Hub has made it. Then the next attempt finds
    everything there already, which is success.
    """

    def __init__(self, target: Target, prepare: Prepare) -> None:
        self._target, self._prepare = target, prepare
        self._sent: Preview | None = None

    def __call__(self, api: "HfApi") -> Pushed:
        plan = _plan(api, self._target, self._prepare)
        if plan.makes:
            make(api, self._target, repository=plan.preview.creates_repository)
            plan = self._made(api)
        shown, remote = plan.preview, plan.remote
        if not shown.changes:
            return self._found(api, plan)
        operations = stored(api, self._target, plan.wanted, shown.changes)
        self._sent = shown
        try:
            commit = self._commit(api, operations, str(remote.commit))
        except Exception as error:
            if self._target.create_pr and is_lost(error):
                return self._found(api, self._awaited(api))
            raise
        url, changed = commit.pr_url or commit.commit_url, commit.oid != remote.commit
        return Pushed(url, commit.oid, changed, shown.private, shown.changes, shown.notes)

    def _made(self, api: "HfApi") -> _Plan:
        """The plan for what was just made; the Hub may take a moment to show it."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        again = AgainError("the Hub does not show what it has made; repeat the command")
        try:
            plan = _plan(api, self._target, self._prepare)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise again from None
        if plan.makes:
            raise again
        return plan

    def _commit(self, api: "HfApi", operations: Sequence[object], parent: str) -> "CommitInfo":
        target = self._target
        with asking():
            try:
                return api.create_commit(
                    target.repo,
                    operations,  # type: ignore[arg-type]
                    commit_message=target.title,
                    repo_type=target.kind,
                    revision=target.revision,
                    create_pr=target.create_pr,
                    parent_commit=parent,
                )
            except ValueError as error:
                # Its own way to say that the Hub refuses a card; of all else it says more.
                if type(error) is not ValueError:
                    raise
                raise AuroraError(
                    f"{target.repo}: the Hub refuses the metadata of README.md; mend the card"
                ) from None

    def _awaited(self, api: "HfApi") -> _Plan:
        """The plan when the pull request is there whose answer was lost: no second is opened."""
        for pause in LOOKS:
            time.sleep(pause)
            try:
                plan = _plan(api, self._target, self._prepare)
            except Exception as error:
                if attempts(error) == 1:
                    raise
            else:
                if not plan.preview.changes:
                    return plan
        raise AuroraError(
            f"{_page(api, self._target)}/discussions: the Hub's answer was lost, and the pull "
            "request is not to be seen yet; look there, and repeat the command if it is missing"
        )

    def _found(self, api: "HfApi", plan: _Plan) -> Pushed:
        """Everything is there: it was before this push, or the answer to our commit was lost."""
        shown, commit = self._sent or plan.preview, str(plan.remote.commit)
        where = plan.preview.url or f"{_page(api, self._target)}/commit/{commit}"
        changed = self._sent is not None
        return Pushed(where, commit, changed, shown.private, shown.changes, shown.notes)


def _proposed(api: "HfApi", target: Target, prepare: Prepare) -> tuple[Remote, str] | None:
    """An open pull request that holds all of it, and its address.

    It is that of a push whose answer was lost, or which was killed: no second one is opened.
    """
    with asking():
        requests = api.get_repo_discussions(
            target.repo,
            repo_type=target.kind,
            discussion_type="pull_request",
            discussion_status="open",
        )
        numbers = [one.num for one in requests if one.title == target.title]
    for number in numbers:
        remote = read(api, target, f"refs/pr/{number}")
        if _holds(remote, prepare):
            return remote, f"{_page(api, target)}/discussions/{number}"
    return None


def _holds(remote: Remote, prepare: Prepare) -> bool:
    """Whether a request needs nothing more. Anybody can open one by that name, with any card."""
    try:
        return not compare(remote, prepare(remote))
    except AuroraError:
        return False


def _page(api: "HfApi", target: Target) -> str:
    kind = "datasets/" if target.kind == "dataset" else ""
    return f"{api.endpoint}/{kind}{target.repo}"
