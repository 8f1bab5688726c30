"""`curate push`: a finished corpus onto the Hub."""

from dataclasses import asdict
from pathlib import Path

import click

from curation.cli import console, views


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.argument("repo")
@click.option("--public", is_flag=True, help="Everybody may read it. Otherwise it is private.")
@click.option("--revision", metavar="BRANCH", help="Branch to push to; made from main if missing.")
@click.option("--create-pr", is_flag=True, help="Open a pull request instead of a commit on main.")
@click.option("--dry-run", is_flag=True, help="Check DIR, ask the Hub, and list what would change.")
@click.option("--json", "as_json", is_flag=True)
def push(
    directory: Path,
    repo: str,
    public: bool,
    revision: str | None,
    create_pr: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish the corpus in DIR as the Hub's dataset repository REPO (OWNER/NAME).

    DIR is verified first. Everything goes in one commit; if nothing changed, there is none. Other
    files of the repository, and what people wrote in its card, stay. The token is that of
    `hf auth login` or HF_TOKEN.
    """
    if create_pr and revision:
        raise click.UsageError("--create-pr opens against main; leave --revision out")
    from curation.publishing import check, target, wanted
    from schemas import hub

    hub.check_name(repo)
    manifest = check(directory, public=public)
    goal = target(manifest, repo, public=public, revision=revision, create_pr=create_pr)
    act = hub.preview if dry_run else hub.push
    done = act(goal, lambda there: wanted(directory, manifest, there))
    if as_json:
        views.print_json({"repository": repo, **asdict(done)})
        return
    for note in done.notes:
        console.complain(f"curate: {note}")
    for line in hub.told(repo, done):
        console.say(line)
