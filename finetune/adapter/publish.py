"""What of an adapter's directory stands on the Hub: its public files, and no other adapter's."""

from collections.abc import Mapping
from pathlib import Path

from finetune.adapter.card import NOTES
from finetune.adapter.check import is_public
from finetune.adapter.record import RECORD
from schemas.hub import Preview, Pushed, Remote, Target, Wanted, preview, push
from schemas.hub.card import Ours, meet
from schemas.sections import CARD

#: Metadata that a card of ours may have. What else stands on the Hub is somebody's, and stays.
_KEYS = (
    "base_model", "base_model_relation", "datasets", "language", "library_name", "license",
    "license_name", "license_link", "pipeline_tag", "tags",
)  # fmt: skip
_CARD = Ours(sections={NOTES: ""}, keys=_KEYS, prose=NOTES)


def push_adapter(
    files: Mapping[str, Path | bytes],
    repo: str,
    *,
    public: bool,
    revision: str | None,
    create_pr: bool,
    dry_run: bool = False,
) -> Preview | Pushed:
    """Make the repository's part of an adapter equal to `files`, by one commit or none.

    What an earlier adapter of ours left there goes; it is known by its record. Other files stay,
    and what people wrote in the card there. `dry_run` only tells what would be done. Raises
    AuroraError in one sentence.
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

    content = files[CARD]
    text = (content if isinstance(content, bytes) else content.read_bytes()).decode()

    def wanted(there: Remote) -> Wanted:
        card, notes = meet(text, there, _CARD)
        ours = [name for name in there.files if is_public(name)] if RECORD in there.files else []
        return Wanted({**files, CARD: card}, owned={CARD, *ours}, gone=ours, notes=notes)

    return preview(target, wanted) if dry_run else push(target, wanted)
