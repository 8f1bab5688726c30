"""Names of repositories and branches."""

from contextlib import suppress

from schemas.errors import RecipeError


def check_name(repo: str) -> None:
    """Raise RecipeError where `repo` is no OWNER/NAME: nothing is asked of the Hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    with suppress(HFValidationError):
        validate_repo_id(repo)
        if "/" in repo:  # else the client would take the owner from the token
            return
    raise RecipeError(f"{repo!r}: is no name of a repository; write OWNER/NAME")


def check_branch(revision: str | None) -> None:
    """Raise RecipeError where a branch cannot be pushed to by that name."""
    if revision is None:
        return
    plain = revision.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
    odd = revision.startswith(("refs/", "-", "/", ".")) or ".." in revision
    if odd or revision.endswith(("/", ".", ".lock")) or not plain.isalnum() or "//" in revision:
        raise RecipeError(f"--revision {revision!r}: is no name of a branch; write main or v1.0")
