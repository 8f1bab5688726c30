"""The card's text: what happened, from the manifest and the statistics."""

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jinja2
import yaml
from markupsafe import Markup

from curation.outputs.card.limits import limits, unclear
from curation.outputs.card.metadata import kept_counts
from curation.outputs.card.origins import addresses, citations
from curation.outputs.manifest import place, shipped_name
from curation.text.printable import printable
from schemas.corpus import ASSETS, REPORT
from schemas.licenses import Combined
from schemas.manifest import InputFile, Manifest
from schemas.markdown import code, fenced, plain
from schemas.recipe import Source
from schemas.sections import section
from schemas.statistics import Overlap, Statistics

if TYPE_CHECKING:
    from curation.figures import Figure

#: The user's sections, and what each begins with: a hint that a rendered card does not show.
SECTIONS = {
    "about": "<!-- What is this corpus for, and what is it not for? -->",
    "limits": "<!-- What else should its users know? -->",
    "contact": "<!-- Whom do people ask, and where do they report a bad row? -->",
}
#: Key of deduplication → what it compares.
_COMPARED = {
    "conversation": "the whole conversation",
    "prompt": "their questions alone",
    "response": "their answers alone",
}
#: Where the reader has the corpus; `curate push` writes the repository's name.
HERE = "/path/to/this/directory"
#: Rows of a long table; the report and the manifest have all.
_LONGEST = 20


def body(
    manifest: Manifest, statistics: Statistics, license_: Combined, figures: Collection["Figure"]
) -> str:
    """The Markdown after the front matter."""
    environment = _environment()
    return environment.get_template("card.md.jinja").render(
        manifest=manifest,
        recipe=manifest.recipe,
        stages=manifest.recipe.stages,
        statistics=statistics,
        license=license_,
        figures=[one for one in figures if f"{ASSETS}/{one.name}.png" in _paths(manifest)],
        has_report=REPORT in _paths(manifest),
        total=_totals(statistics),
        rounds=_rounds(statistics),
        sources=[
            (source, counts, _formats(statistics, source.name), _where(source))
            for source, counts in zip(manifest.recipe.sources, statistics.sources, strict=True)
        ],
        files=[(file, _place(manifest, file)) for file in manifest.inputs[:_LONGEST]],
        more_files=len(manifest.inputs) - _LONGEST,
        overlap=_overlap(statistics),
        languages=kept_counts(statistics, "language"),
        scripts=statistics.scripts,
        unclear=unclear(manifest.recipe, license_),
        only_dropped=[one.source for one in statistics.sources if one.records and not one.kept],
        renamed=_renamed(statistics),
        compared=_COMPARED[manifest.recipe.stages.dedup.key],
        shipped=shipped_name(manifest.recipe),
        limits=limits(manifest, statistics, license_),
        written_recipe=_recipe(manifest),
        citations=citations(manifest),
        here=HERE,
        section=_section,
    )


def license_text(manifest: Manifest, license_: Combined) -> str:
    """LICENSE.md of a corpus for which no one licence stands."""
    rows = [(source.name, source.license) for source in manifest.recipe.sources]
    template = _environment().get_template("license.md.jinja")
    return template.render(name=manifest.recipe.name, why=license_.why, rows=rows)


@cache  # templates compile once a process
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("curation.outputs", "card"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # names and descriptions are the user's, and a card is shown as HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "plain": plain,
        "code": code,
        "fenced": fenced,
        "number": "{:,}".format,
        "counts": _counts,
    }
    return environment


def _section(name: str) -> Markup:
    return Markup(section(name, SECTIONS[name]))  # noqa: S704  # a hint of ours


def _counts(counts: Mapping[str, int]) -> str:
    """`zh 1,234, en 5`, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered)


def _paths(manifest: Manifest) -> set[str]:
    return {file.path for file in manifest.outputs}


def _renamed(statistics: Statistics) -> int:
    """Messages in which `identity: replace` changed names."""
    return sum(sum(one.edited.values()) for one in statistics.stages if one.stage == "quality")


def _totals(statistics: Statistics) -> dict[str, int]:
    names = ("records", "kept", "dropped", "quarantined")
    return {name: sum(getattr(one, name) for one in statistics.sources) for name in names}


def _rounds(statistics: Statistics) -> list[tuple[str, int, int, int, int]]:
    """Table 2: name, single and multi as read, single and multi as kept; the total last."""
    rows = [
        (raw.source, raw.single, raw.multi, result.single, result.multi)
        for raw, result in statistics.round_pairs()
    ]
    sums = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return [*rows, ("Total", sums[0], sums[1], sums[2], sums[3])]


def _formats(statistics: Statistics, name: str) -> str:
    return ", ".join(statistics.formats.get(name, {})) or "none read"


def _where(source: Source) -> Markup:
    """The source's repositories and revisions on the Hub, or that it is local."""
    found = Counter((address.repo, address.revision) for address in addresses(source))
    links = [
        Markup("[{}](https://huggingface.co/datasets/{}/tree/{}) at {}").format(
            plain(repo),
            quote(repo),
            quote(revision, safe=""),
            code(revision[:12]),
        )
        for repo, revision in found
    ]
    return Markup(", ").join(links) if links else Markup("local file")


def _place(manifest: Manifest, file: InputFile) -> str:
    """Where the recipe looks for an input file."""
    of = (source for source in manifest.recipe.sources if source.name == file.source)
    return next((place(source, file.file) for source in of), file.file)


def _overlap(statistics: Statistics) -> list[Overlap]:
    shared = [one for one in statistics.overlap if one.clustered]
    return sorted(shared, key=lambda one: -one.clustered)[:_LONGEST]


def _recipe(manifest: Manifest) -> str:
    """What of the recipe is no default, as YAML; escaped where it is no plain text."""
    recipe: dict[str, Any] = manifest.recipe.model_dump(mode="json", exclude_defaults=True)
    text: str = yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False, width=100)
    if printable(text) != text:
        text = yaml.safe_dump(recipe, allow_unicode=False, sort_keys=False, width=100)
    return text
