"""The dataset card: true of the shards, valid for the Hub, and no text of others breaks it."""

import hashlib
import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
import yaml
from huggingface_hub import DatasetCard, metadata_load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from curation.outputs.card import remove_older, render_card
from curation.outputs.manifest import publishable
from curation.recipes import load
from curation.run import Options, run
from schemas.corpus import read_manifest, read_statistics
from schemas.manifest import InputFile
from schemas.recipe import Category, Recipe
from schemas.sections import section, sections, with_sections

DOCS = Path(__file__).parents[2] / "docs"
MARKDOWN = MarkdownIt("commonmark").enable("table")
#: What the Hub's /api/validate-yaml checks ids against, as far as we can name it offline.
CREATORS = {"found", "crowdsourced", "expert-generated", "machine-generated", "other"}
LICENSES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "other"}
SIZES = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"}
NASTY = "\n".join(
    [
        "---\nlicense: mit\n---\n# forged | cell ``` ````\n<script>alert(1)</script>",
        "![x](http://h) [l](javascript:alert(1)) \u202e\u200b\x00 {{ 7 * 7 }} {% raw %}",
        section("about", "forged"),
        "- a: [b\n```yaml\nx",
    ]
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    directory = tmp_path_factory.mktemp("card") / "out"
    run(load("sample"), directory, Options(workers=1))
    return directory


@pytest.fixture
def render(sample):
    """Render the sample's card with a changed manifest."""
    manifest, statistics = read_manifest(sample), read_statistics(sample)

    def rendered(recipe=None, **changes):
        merged = manifest.recipe.model_copy(update=recipe or {})
        changed = manifest.model_copy(update={"recipe": merged, **changes})
        return render_card(sample, changed, statistics)

    return rendered


def front_matter(text):
    return yaml.safe_load(text[4:].partition("\n---\n")[0])


def tokens(text):
    return MARKDOWN.parse(text[4:].partition("\n---\n")[2])


def skeleton_of(text):
    """What a reader sees of the structure: headings, block types, tables' sizes."""
    found = tokens(text)
    return [token.type for token in found], [
        b.content for a, b in pairwise(found) if a.type == "heading_open"
    ]


def test_the_front_matter_is_true_of_the_shards(sample, tmp_path):
    datasets = pytest.importorskip("datasets")
    said = datasets.load_dataset_builder(str(sample), cache_dir=str(tmp_path / "a")).info
    bare = tmp_path / "bare"
    shutil.copytree(sample / "data", bare / "data")
    loaded = datasets.load_dataset(str(bare), cache_dir=str(tmp_path / "b"))
    found = loaded["train"].info
    assert said.features == loaded["train"].features
    assert (said.download_size, said.dataset_size) == (found.download_size, found.dataset_size)
    for split in ("train", "validation"):
        assert said.splits[split].num_bytes == found.splits[split].num_bytes
        assert said.splits[split].num_examples == len(loaded[split])


def test_load_dataset_gives_the_rows_and_no_stray_file_joins(sample, tmp_path):
    datasets = pytest.importorskip("datasets")
    copy = tmp_path / "copy"
    shutil.copytree(sample, copy)
    shard = copy / "data" / "train-00000-of-00001.parquet"
    shutil.copy(shard, copy / "data" / "train-00001-of-00007.parquet")
    rows = datasets.load_dataset(str(copy), split="train", cache_dir=str(tmp_path / "c"))
    assert rows.to_list() == pl.read_parquet(shard).to_dicts()


def test_the_front_matter_is_what_the_hub_takes(sample):
    card = DatasetCard.load(sample / "README.md")
    data = metadata_load(sample / "README.md")
    assert card.data.to_dict() == data
    assert DatasetCard(str(card)).data.to_dict() == data
    assert data["license"] in LICENSES
    assert set(data["size_categories"]) <= SIZES
    assert data["task_categories"] == ["text-generation"]
    assert set(data["annotations_creators"]) <= CREATORS
    assert data["multilinguality"] == "monolingual"
    assert data["language"] == ["zh"]
    assert "language_creators" not in data  # nothing is known of local files


def test_every_table_row_has_as_many_cells_as_its_head(sample):
    text = (sample / "README.md").read_text().partition("\n---\n")[2]
    lines = text.split("\n")
    tables = [token.map for token in MARKDOWN.parse(text) if token.type == "table_open"]
    assert len(tables) >= 8
    for begin, end in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines[begin:end]}
        assert len(cells) == 1, lines[begin]
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == sum(end - begin for begin, end in tables)  # none fell out of its table


def test_numbers_are_those_of_the_run(sample):
    text = (sample / "README.md").read_text()
    statistics = read_statistics(sample)
    kept = sum(one.kept for one in statistics.sources)
    assert f"{kept} conversations ({statistics.tokens.total:,} Mixtral tokens)" in text
    assert "141,345" in text  # the paper's Table 2
    for one in statistics.contamination:
        assert f"| {one.benchmark} | {one.items} | {one.subjects} | {one.conversations} |" in text


@pytest.fixture(scope="module")
def calm(sample):
    manifest = read_manifest(sample)
    recipe = manifest.recipe.model_copy(update={"description": "x"})
    inputs = [InputFile(source="a", file="b", bytes=1, sha256="ab")]
    changed = manifest.model_copy(update={"recipe": recipe, "inputs": inputs})
    card = render_card(sample, changed, read_statistics(sample))
    return front_matter(card), skeleton_of(card), sections(card)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.just(NASTY) | st.text("|`<>-#[]()!\n\r\\:&*_ \u202e\x85", max_size=80))
def test_no_text_of_others_breaks_the_card(render, calm, text):
    inputs = [InputFile(source="a", file=text, bytes=1, sha256="ab")]
    card = render({"description": f"x{text}"}, inputs=inputs, versions={"aurora-zh": text})
    assert (front_matter(card), skeleton_of(card), sections(card)) == calm
    assert "\u202e" not in card
    shown = [child for token in tokens(card) for child in token.children or []]
    assert not [child for child in shown if child.type in ("html_inline", "image")]


@pytest.mark.parametrize(
    "text", ["a) [x](http://h", "`a|b`", "<b>", "](javascript:x)", "\u202e --"]
)
def test_an_address_on_the_hub_breaks_no_link(render, text):
    path = f"hf://datasets/o/n{text.replace('/', '')}/f@{text}"
    card = render({"sources": [hub_source(path), *load("sample").recipe.sources[1:]]})
    links = [
        c.attrs["href"] for t in tokens(card) for c in t.children or [] if c.type == "link_open"
    ]
    known = (
        "report.html",
        "https://huggingface.co/docs/",
        "https://huggingface.co/datasets/",
        "https://github.com/",
        "https://arxiv.org/",
    )
    assert all(link.startswith(known) for link in links)
    assert sum("/datasets/o/n" in link for link in links) == 1


def test_the_recipe_in_the_card_is_the_recipe(render, sample):
    recipe = read_manifest(sample).recipe
    for description in (recipe.description, NASTY.replace("<!--", ""), "反向\u202e"):
        changed = recipe.model_copy(update={"description": description})
        text = render({"description": description})
        blocks = [t.content for t in tokens(text) if t.type == "fence" and t.info == "yaml"]
        assert Recipe(**yaml.safe_load(blocks[0])) == changed


def test_known_sources_are_linked_and_cited_and_no_others(render):
    path = "hf://datasets/hfl/alpaca_zh_51k/alpaca_data_51k.json@main"
    text = render({"sources": [hub_source(path), *load("sample").recipe.sources[1:]]})
    data = front_matter(text)
    assert data["source_datasets"][:1] == ["hfl/alpaca_zh_51k"]
    assert data["source_datasets"][-1] == "extended|other"
    assert "2304.08177" in text
    assert "2304.03277" not in text
    assert "revision main, which may move" in text
    assert "](https://huggingface.co/datasets/hfl/alpaca_zh_51k/tree/main) at `main`" in text


def hub_source(path):
    first = load("sample").recipe.sources[0]
    return first.model_copy(update={"path": path, "license": "apache-2.0"})


def test_a_recipe_with_everything_off_says_so(render, sample):
    recipe = read_manifest(sample).recipe
    off = {name: {"enabled": False} for name in type(recipe.stages).model_fields}
    text = render({"stages": type(recipe.stages)(**off)})
    for said in (
        "Not searched for personal data: assume",
        "Duplicates were not removed",
        "Languages were not identified",
        "Topics were not assigned",
        "Nothing was dropped for quality",
        "Not searched for control tokens",
    ):
        assert said in text


def test_llama_factory_takes_every_row_by_the_entry(sample):
    """By the rules of its sharegpt converter: system first, then user and assistant in turn."""
    text = (sample / "README.md").read_text()
    (entry,) = [
        json.loads(t.content) for t in tokens(text) if t.type == "fence" if t.info == "json"
    ]
    (spec,) = entry.values()
    tags, column = spec["tags"], spec["columns"]["messages"]
    assert spec["formatting"] == "sharegpt"
    for row in pl.read_parquet(sample / "data" / "train-*.parquet").to_dicts():
        roles = [message[tags["role_tag"]] for message in row[column]]
        roles = roles[1:] if roles[0] == tags["system_tag"] else roles
        assert roles == [tags["user_tag"], tags["assistant_tag"]] * (len(roles) // 2)
        assert all(message[tags["content_tag"]] for message in row[column])


@pytest.mark.parametrize(
    ("stages", "said", "not_said"),
    [
        (
            {"privacy": {"action": "drop"}},
            "was dropped with its conversation",
            "texts as they were",
        ),
        ({"privacy": {"action": "flag"}}, "the column `pii` names the kinds", "pii` says where"),
        ({"dedup": {"key": "prompt"}}, "by their questions alone; same prompt", "by the whole"),
        ({"dedup": {"enabled": False}}, "only to keep them on one side", "were not looked for"),
        ({"category": {"enabled": False}}, "Topics were not assigned", "Topics are by a model"),
        ({"quality": {"identity": "keep"}}, "is another model were kept", "was replaced by Au"),
        (
            {
                "quality": {
                    "identity": "replace",
                    "assistant_name": "Aurora",
                    "assistant_developer": "its authors",
                }
            },
            "In 0 messages the assistant's name or developer was replaced by Aurora",
            "is another model were kept",
        ),
    ],
)
def test_the_prose_follows_the_recipe(render, sample, stages, said, not_said):
    recipe = read_manifest(sample).recipe
    changed = recipe.stages.model_dump()
    for name, options in stages.items():
        changed[name] |= options
    if "dedup" in stages and "key" in stages["dedup"]:
        changed["dedup"]["same_prompt"] = "keep_by_source"
    text = render({"stages": type(recipe.stages)(**changed)})
    assert said in text
    assert not_said not in text


def test_a_shipped_recipe_is_named_and_another_is_written_out(sample, render):
    assert "curate run sample\n" in (sample / "README.md").read_text()
    text = render({"description": "another"})
    assert "curate run sample" not in text
    assert "curate run recipe.yaml" in text


def test_a_corpus_without_rows_has_nothing_to_load(curate, write_recipe, tmp_path):
    row = {"instruction": "What is this?", "output": "An apple, as far as I can see."}
    (tmp_path / "a.json").write_text(json.dumps([row]))
    out = tmp_path / "out"
    recipe = write_recipe(a=tmp_path / "a.json")
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    text = (out / "README.md").read_text()
    assert "there is nothing to load" in text
    assert "load_dataset(" not in text
    assert curate("verify", out).code == 0


def test_no_folder_of_this_machine_is_published_beyond_need(render, sample):
    first, second, *others = read_manifest(sample).recipe.sources
    home = "/home/wang/data"
    sources = [
        first.model_copy(update={"path": [f"{home}/a/train.json", f"{home}/one.json"]}),
        second.model_copy(update={"path": [f"{home}/b/train.json", "../up/two.json", "in/x.json"]}),
        *others,
    ]
    recipe = publishable(read_manifest(sample).recipe.model_copy(update={"sources": sources}))
    assert [source.paths for source in recipe.sources[:2]] == [
        ["a/train.json", "one.json"],
        ["b/train.json", "two.json", "in/x.json"],
    ]
    assert publishable(recipe) == recipe


def published(render, sample, *paths):
    """The paths of sources of one file each, as others see them."""
    source, *_ = read_manifest(sample).recipe.sources
    sources = [source.model_copy(update={"name": f"s{i}", "path": p}) for i, p in enumerate(paths)]
    recipe = publishable(read_manifest(sample).recipe.model_copy(update={"sources": sources}))
    assert publishable(recipe) == recipe
    return [source.paths[0] for source in recipe.sources]


@pytest.mark.parametrize(
    ("paths", "ends"),
    [
        (["/h/x/*.json", "/h/b.json"], ["x/*.json", "b.json"]),
        (["/h/x/a/*.json", "/h/y/a/*.json"], ["x/a/*.json", "y/a/*.json"]),
        (["/h/x/a*.json", "/k/x/*b.json"], ["h/x/a*.json", "k/x/*b.json"]),
        (["/h/x/a*.json", "/h/x/b*.json"], ["x/a*.json", "x/b*.json"]),
        (["/h/x/**/*.json", "/k/x/s/a", "/l/s/a"], ["h/x/**/*.json", "x/s/a", "l/s/a"]),
        (["/h/x/*.json", "hf://datasets/o/x/a.json@v1"], ["x/*.json", "hf://datasets/o/x/a.json@v1"]),
        (["../x/*", "x/a.json", "../x/a.json"], ["files/x/*", "x/a.json", "files/x/a.json"]),
        (["**/*.json", "/h/a.json"], ["**/*.json", "a.json"]),  # nothing helps: no more is shown
        (["*.json", "/h/x/a.json"], ["*.json", "x/a.json"]),
        (["**/*.json", "/h/a.csv"], ["**/*.json", "a.csv"]),
        (["../*.json", "in/b.json"], ["files/*.json", "in/b.json"]),
    ],
)  # fmt: skip
def test_a_published_glob_means_no_file_of_another_source(render, sample, paths, ends):
    assert published(render, sample, *paths) == ends


def test_a_recipe_with_globs_laid_out_as_the_card_says_gives_the_same_corpus(
    curate, tmp_path, write_recipe
):
    names = {"a": "x/set/{}.json", "b": "y/set/{}.json", "c": "{}.json"}
    for place in names.values():
        for n in range(2):
            row = {"instruction": f"{place}里有什么，第{n}个？", "output": f"有许多苹果，编号{n}。"}
            path = tmp_path / "there" / place.format(n)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps([row]))
    recipe = write_recipe(**{of: tmp_path / "there" / p.format("*") for of, p in names.items()})
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0

    card = (out / "README.md").read_text()
    home = tmp_path / "elsewhere"
    rows = re.findall(r"^\| (\w) \| `(\S+)` \| \d+ \| `(\w{64})` \|$", card, re.MULTILINE)
    assert len(rows) == 6
    by_hash = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for path in (tmp_path / "there").rglob("*.json")
    }
    for _, place, digest in rows:
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(by_hash[digest], home / place)
    yaml_text = next(t.content for t in tokens(card) if t.type == "fence" and t.info == "yaml")
    (home / "recipe.yaml").write_text(yaml_text)
    again = tmp_path / "again"
    assert curate("run", home / "recipe.yaml", "--output", again, "--workers", 1).code == 0
    first, second = read_manifest(out), read_manifest(again)
    assert first.inputs == second.inputs
    assert first.key == second.key


@pytest.fixture
def corpus(curate, tmp_path, write_recipe):
    """A small finished corpus, and how to run it again."""
    rows = [
        {
            "instruction": f"第{i}个问题：{name}是什么？",
            "output": f"{name}很特别，编号{i}，请记住。",
        }
        for i, name in enumerate(["苹果", "飞机", "诗歌", "海洋"])
    ]
    (tmp_path / "a.json").write_text(json.dumps(rows, ensure_ascii=False))
    out = tmp_path / "out"

    def again(*options, license_="mit"):
        source = {"path": str(tmp_path / "a.json"), "license": license_}
        recipe = write_recipe(a=source)
        return curate("run", recipe, "--output", out, "--workers", 1, *options)

    assert again().code == 0
    return out, again


MINE = {"about": "Our *notes* | 中文\n\n- <b>kept</b>", "contact": "me@example.com"}


def write_mine(out):
    card = out / "README.md"
    card.write_text(with_sections(card.read_text(), MINE))


def test_the_users_text_survives_every_run_and_verifies(curate, corpus):
    out, again = corpus
    write_mine(out)
    for options in ((), ("--fresh",), ("--set", "stages.quality.min_score=0.4")):
        assert curate("verify", out).code == 0
        assert again(*options).code == 0
        kept = sections((out / "README.md").read_text())
        assert {name: kept[name] for name in MINE} == MINE
    (out / "manifest.json").unlink()  # as if killed
    again()
    assert sections((out / "README.md").read_text()).items() >= MINE.items()


def test_a_change_outside_the_sections_is_found_and_mended(curate, corpus):
    out, again = corpus
    write_mine(out)
    card = out / "README.md"
    sound = card.read_text()
    card.write_text(sound.replace("## Licence", "## License"))
    assert "README.md" in curate("verify", out).err
    assert again().code == 0
    assert card.read_text() == sound


DAMAGES = {
    "begins inside": lambda text: text.replace("<!-- your text ends -->\n", "", 1),
    "a second section 'about'": lambda text: text + section("about", "again"),
    "unknown section 'mine'": lambda text: text + section("mine", "notes"),
    "no section 'contact'": lambda text: text.replace(section("contact", MINE["contact"]), "me"),
    "no section 'about'": lambda _: "# My own card\n",
    "cannot be read as text": lambda _: "\udcff",
}


def test_damaged_marks_lose_nothing(curate, corpus):
    out, again = corpus
    write_mine(out)
    card = out / "README.md"
    sound = card.read_text()
    for said, damage in DAMAGES.items():
        card.write_text(damage(sound), errors="surrogateescape")
        damaged = card.read_bytes()
        assert "README.md" in curate("verify", out).err
        for option in ("--workers=1", "--fresh"):
            done = again(option)
            assert done.code == 1
            assert said in done.err
            assert card.read_bytes() == damaged
    card.unlink()
    assert again().code == 0


def test_nothing_is_written_through_links(corpus, tmp_path):
    out, again = corpus
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    names = ("README.md", "LICENSE.md", "manifest.json")
    for name in names:
        for link in (f"{name}.partial", f".{name}.partial"):
            (out / link).symlink_to(theirs)
    assert again(license_="house rules 1.0").code == 0
    assert theirs.read_text() == "theirs"
    assert not any((out / name).is_symlink() for name in names)
    assert not list(out.glob(".*.partial"))


def test_where_no_licence_stands_for_all_the_card_says_so(curate, corpus):
    out, again = corpus
    assert not (out / "LICENSE.md").exists()
    assert again(license_="house rules 1.0").code == 0
    data = metadata_load(out / "README.md")
    assert (data["license"], data["license_name"]) == ("other", "house-rules-1.0")
    assert data["license_link"] == "LICENSE.md"
    assert "| a | house rules 1.0 |" in (out / "LICENSE.md").read_text()
    assert curate("verify", out).code == 0
    (out / "LICENSE.md").write_text("Our own words.\n")
    assert again("--fresh", license_="house rules 1.0").code == 0
    assert (out / "LICENSE.md").read_text() == "Our own words.\n"
    named = [file.path for file in read_manifest(out).outputs]
    assert "LICENSE.md" in named  # so it is pushed, too
    (out / "LICENSE.md").write_text("Our better words.\n")
    assert curate("verify", out).code == 0


def test_a_card_of_an_older_version_is_no_obstacle_even_after_a_kill(curate, corpus):
    out, again = corpus
    card, manifest = out / "README.md", json.loads((out / "manifest.json").read_text())
    card.write_text("# A card without sections\n")
    digest = hashlib.sha256(card.read_bytes()).hexdigest()
    (entry,) = [one for one in manifest["outputs"] if one["path"] == "README.md"]
    entry.update(sha256=digest, bytes=card.stat().st_size, skeleton_sha256=None)
    manifest["key"] = "of an older version"
    (out / "manifest.json").write_text(json.dumps(manifest))
    remove_older(out)  # what a run does before it removes the manifest
    assert not card.exists()
    (out / "manifest.json").unlink()  # here it is killed
    assert again().code == 0
    assert curate("verify", out).code == 0


def test_the_licence_of_texts_in_the_ledger_alone_counts(curate, write_recipe, tmp_path):
    rows = {
        "a": ["苹果是什么？", "苹果是一种水果，很甜。"],
        "b": ["What is it?", "An apple I think."],
    }
    for name, (question, answer) in rows.items():
        row = {"instruction": question, "output": answer}
        (tmp_path / f"{name}.json").write_text(json.dumps([row]))
    licenses = {"a": "cc0-1.0", "b": "cc-by-nc-4.0"}
    sources = {n: {"path": str(tmp_path / f"{n}.json"), "license": licenses[n]} for n in rows}
    out = tmp_path / "out"
    assert curate("run", write_recipe(**sources), "--output", out, "--workers", 1).code == 0
    text = (out / "README.md").read_text()
    assert [one.kept for one in read_statistics(out).sources] == [1, 0]
    assert front_matter(text)["license"] == "cc-by-nc-4.0"
    assert "the ledger holds their texts" in text


def test_the_figures_of_the_topics_are_the_documented_ones(sample):
    taxonomy = (DOCS / "taxonomy.md").read_text(encoding="utf-8")
    documented = []
    for rows in ("instructions", "both"):
        measured = re.search(
            rf"^\| {rows} \| \*\*0\.47\*\* \| ([\d.]+)% \| ([\d.]+) ", taxonomy, re.MULTILINE
        )
        documented += [f"{float(measured[1]):.0f}", f"{100 * float(measured[2]):.0f}"]
    card = (sample / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"Topics are those of a small model.*?%\.", card, re.DOTALL)[0]
    assert re.findall(r"(\d+) %", sentence) == documented
    assert Category().min_score == 0.47
