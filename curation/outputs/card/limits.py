"""Known limits of a corpus: what its recipe did not do, and what its stages cannot."""

from collections.abc import Iterable

from curation.outputs.card.origins import addresses, all_origins
from schemas.licenses import Combined
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.statistics import Statistics


def limits(manifest: Manifest, statistics: Statistics, license_: Combined) -> list[str]:
    """Sentences for the card, none of them escaped yet."""
    recipe = manifest.recipe
    return [
        *_texts(recipe),
        *_private(recipe),
        *_labels(recipe),
        *_compared(recipe, statistics),
        *_licences(recipe, license_),
        *_reproduction(manifest),
    ]


def unclear(recipe: Recipe, license_: Combined) -> list[str]:
    """The sources whose terms are not known."""
    return [source.name for source in recipe.sources if source.license.strip() in license_.unknown]


def _texts(recipe: Recipe) -> Iterable[str]:
    yield (
        "Nothing was checked for truth. Instruction data is often written or translated by models; "
        "translations cannot be told from originals here, and errors and biases of the sources "
        "remain."
    )
    if not recipe.stages.clean.enabled:
        yield "Texts were not cleaned: HTML residue, invisible characters and mojibake may remain."
    if not recipe.stages.language.enabled:
        yield "Languages were not identified."
    if not recipe.stages.quality.enabled:
        yield "Nothing was dropped for quality; the column `quality` has the score."
    else:
        yield (
            "The quality score knows form (loops, placeholders, garbled text, missing context), "
            "not facts: a fluent wrong answer scores well."
        )


def _private(recipe: Recipe) -> Iterable[str]:
    privacy, control = recipe.stages.privacy, recipe.stages.control_tokens
    if not privacy.searches:
        yield "Not searched for personal data: assume that there is some."
    else:
        yield (
            "Personal data is found by its shape. Names of people"
            f"{'' if privacy.addresses else ', postal addresses'} and what only its context makes "
            "personal are not found."
        )
    if privacy.searches and privacy.action == "flag":
        yield "Personal data that was found stands in the messages; the column `pii` has its kinds."
    if privacy.searches and privacy.action != "flag" and privacy.originals:
        yield (
            "`ledger/edits` holds texts in which personal data still stands: keep it to yourself, "
            "or set `privacy.originals` to false."
        )
    if not control.enabled or control.action == "keep":
        yield "Control tokens of chat templates stand in the messages: render with care."


def _labels(recipe: Recipe) -> Iterable[str]:
    if recipe.stages.category.enabled:
        yield (
            "Topics are those of a small model: of instructions in its test, 88 % got a topic and "
            "86 % of these were right at the default threshold; of abstracts and headlines "
            "together 76 % and 80 %."
        )
    else:
        yield "Topics were not assigned."
    if not recipe.stages.script.enabled:
        yield "Traditional script was not converted."


def _compared(recipe: Recipe, statistics: Statistics) -> Iterable[str]:
    stages = recipe.stages
    if not stages.dedup.enabled:
        yield "Duplicates were not removed."
    else:
        yield (
            "Duplicates are found by their characters "
            f"(Jaccard from {stages.dedup.threshold:g} on, by {stages.dedup.key}): the same "
            "content in other words stays."
        )
    if statistics.contamination:
        yield (
            "Contamination is found by shared character n-grams, in the named benchmarks alone: "
            "paraphrased, translated and very short items are not found."
        )
    else:
        yield (
            "Not checked against any benchmark: scores of a model trained on it may be too high."
        )


def _licences(recipe: Recipe, license_: Combined) -> Iterable[str]:
    if names := unclear(recipe, license_):
        yield (
            f"The terms of {', '.join(names)} are not known to us: find out before you publish "
            "or use these rows."
        )
    forbidding = [s.name for s in recipe.sources if "-nd" in s.license.lower()]
    if forbidding:
        yield (
            f"The licence of {', '.join(forbidding)} allows no changed versions, and this corpus "
            "is one: ask before you publish it."
        )


def _reproduction(manifest: Manifest) -> Iterable[str]:
    for origin in all_origins(manifest):
        yield f"{origin.title}: {origin.note}"
    for source in manifest.recipe.sources:
        moving = sorted({a.revision for a in addresses(source) if not _is_commit(a.revision)})
        if moving:
            yield (
                f"{source.name} was read at the revision {', '.join(moving)}, which may move; the "
                "table of files has their SHA-256.".replace("`", "'")
            )


def _is_commit(revision: str) -> bool:
    return len(revision) == 40 and all(c in "0123456789abcdef" for c in revision)
