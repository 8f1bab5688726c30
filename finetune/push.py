"""`python -m finetune.push`: publish an adapter on the Hub."""

from pathlib import Path

import click

from finetune.console import err, main, needs, out
from schemas.hub import check_name, told


@click.command("finetune.push")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("repo")
@click.option("--public", is_flag=True, help="Everybody may read it. Otherwise it is private.")
@click.option("--revision", metavar="BRANCH", help="Branch to push to; made if there is none.")
@click.option("--create-pr", is_flag=True, help="Open a pull request instead of a commit on main.")
@click.option("--dry-run", is_flag=True, help="Check DIR, ask the Hub, and list what would change.")
def command(
    directory: Path, repo: str, public: bool, revision: str | None, create_pr: bool, dry_run: bool
) -> None:
    """Publish the adapter in DIR as the Hub's model repository REPO (OWNER/NAME).

    DIR is checked first. All files go in one commit; if nothing changed, there is none.
    Checkpoints, logs and other files of DIR stay here. The token is that of `hf auth login`.
    """
    if create_pr and revision:
        raise click.UsageError("--create-pr opens against main; leave --revision out")
    with needs("finetune"):
        from finetune.adapter.check import check_adapter
        from finetune.adapter.publish import push_adapter
    check_name(repo)
    files = check_adapter(directory)
    done = push_adapter(
        files, repo, public=public, revision=revision, create_pr=create_pr, dry_run=dry_run
    )
    for note in done.notes:
        err.print(f"finetune.push: {note}", soft_wrap=True)
    for line in told(repo, done):
        out.print(line, soft_wrap=True)


if __name__ == "__main__":
    main(command)
