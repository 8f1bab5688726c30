"""What of an adapter's directory stands on the Hub: its public files, and no other adapter's."""

from collections.abc import Mapping
from pathlib import Path

from finetune.adapter.check import is_public
from schemas.hub import Pushed, Remote, Target, Wanted, push


def push_adapter(
    files: Mapping[str, Path | bytes],
    repo: str,
    *,
    public: bool,
    revision: str | None,
    create_pr: bool,
) -> Pushed:
    """Make the repository's part of an adapter equal to `files`, by one commit or none.

    What an earlier adapter left there goes, other files stay. Raises AuroraError in one sentence.
    """
    target = Target(
        repo,
        "model",
        title="Upload an adapter of Aurora",
        what="the adapter",
        public=public,
        revision=revision,
        create_pr=create_pr,
    )

    def wanted(there: Remote) -> Wanted:
        return Wanted(files, gone=[name for name in there.files if is_public(name)])

    return push(target, wanted)
