"""What a person is told of a push, or of what one would do."""

from collections import Counter
from collections.abc import Sequence

from schemas.hub.changes import Change
from schemas.hub.push import Preview, Pushed

_DONE = {"add": "added", "replace": "replaced", "delete": "deleted"}


def told(repo: str, done: Preview | Pushed) -> list[str]:
    """Lines for the terminal."""
    kind = "private" if done.private else "public"
    counted = _counted(done.changes)
    if isinstance(done, Pushed):
        state = f"pushed; {counted}" if done.changed else "unchanged, no commit made"
        return [f"{done.url} ({kind}): {state}"]
    would = [
        *(["the repository would be made"] if done.creates_repository else []),
        *(["the branch would be made"] if done.creates_branch else []),
        counted or "nothing would change",
        *([f"{done.url} has all of it"] if done.url else []),
    ]
    files = [f"{one.action:<7} {one.bytes:>14,}  {one.name}" for one in done.changes]
    return [*files, f"{repo} ({kind}): {'; '.join(would)}; nothing was sent"]


def _counted(changes: Sequence[Change]) -> str:
    """`12 added, 1 deleted; 1,234 bytes`; empty where there is none."""
    counts: Counter[str] = Counter(change.action for change in changes)
    size = sum(change.bytes for change in changes if change.action != "delete")
    files = ", ".join(f"{counts[a]:,} {done}" for a, done in _DONE.items() if counts[a])
    return f"{files}; {size:,} bytes" if files else ""
