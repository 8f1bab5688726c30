"""The large files of a commit, stored on the Hub before it is made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from schemas.errors import AuroraError
from schemas.hub.changes import Change, Wanted
from schemas.hub.failures import StorageError, asking, cause
from schemas.hub.repository import Target

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi


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
    _store(api, target, new)
    for one in new:
        name = one.path_in_repo
        if one._should_ignore:  # the client would leave it out of the commit without a word
            raise AuroraError(
                f"{target.repo}: its .gitignore keeps {name} out; change that file on the Hub"
            )
        if one.upload_info.sha256.hex() != wanted.sha256.get(name, one.upload_info.sha256.hex()):
            raise AuroraError(f"{name}: was changed while it was pushed; repeat the command")
        # The client would leave out what a newer head has by now, but the commit's parent has not.
        one._remote_oid = None
    return [*new, *gone]


def _store(api: "HfApi", target: Target, new: "list[CommitOperationAdd]") -> None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        with asking():
            api.preupload_lfs_files(
                target.repo,
                new,
                repo_type=target.kind,
                revision=target.branch,
                create_pr=target.create_pr,
                free_memory=False,
            )
    except (RuntimeError, ConnectionError, TimeoutError, PermissionError) as error:
        if isinstance(cause(error), OfflineModeIsEnabled) or error.__cause__ is not None:
            raise
        # It is of Xet's uploader, which hides what it was answered.
        _ask_storage(api, target)
        raise StorageError from error


def _ask_storage(api: "HfApi", target: Target) -> None:
    """Raise what the Hub answers to those who ask to store large files, if it refuses."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]
    from huggingface_hub.utils._xet import XetTokenType, xet_connection_info_refresh_url

    with asking():
        url = xet_connection_info_refresh_url(
            token_type=XetTokenType.WRITE,
            repo_id=target.repo,
            repo_type=target.kind,
            revision=None if target.create_pr else quote(target.branch, safe=""),
            endpoint=api.endpoint,
        )
        query = {"create_pr": "1"} if target.create_pr else None
        headers = api._build_hf_headers()
        hf_raise_for_status(get_session().get(url, headers=headers, params=query))
