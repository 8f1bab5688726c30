"""The report tells what happened, of every rule, and nothing that should not be seen."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from curation.outputs.choosing import order
from curation.outputs.clusters import EXCERPT, _beginning
from curation.outputs.reasons import REASONS
from curation.report import render
from curation.report.content import gather
from curation.report.excerpt import Piece, around, changed
from curation.report.meanings import EDITS, STAGES
from curation.text.diff import changes
from schemas.corpus import read_manifest, read_statistics
from schemas.recipe import Recipe, Stages

ROOT = Path(__file__).parents[2]


class Tables(HTMLParser):
    """The cells of all tables of a page: caption → rows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._text: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, _attributes):
        if tag in ("caption", "td", "th"):
            self._text = []
        elif tag == "tr":
            self._rows.append([])

    def handle_data(self, data):
        self._text.append(data)

    def handle_endtag(self, tag):
        text = " ".join("".join(self._text).split())
        if tag == "caption":
            self._rows = self.found[text] = []
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append(text)

    def __getitem__(self, beginning: str) -> dict[str, list[str]]:
        """The rows of a table by their first cell."""
        rows = next(rows for caption, rows in self.found.items() if caption.startswith(beginning))
        return {row[0]: row[1:] for row in rows}


@pytest.fixture(scope="module")
def html(sample):
    return (sample / "report.html").read_text(encoding="utf-8")


def numbers(*counts):
    return [f"{n:,}" for n in counts]


def test_its_numbers_are_those_of_the_statistics(sample, html):
    statistics, tables = read_statistics(sample), Tables(html)
    stages, sources = tables["The stages in the order"], tables["Records of each source: read"]
    for stage in statistics.stages:
        left = sum(stage.dropped.values())
        edits = sum(stage.edited.values())
        assert stages[stage.stage][:4] == numbers(stage.entered, stage.kept, left, edits)
    for source in statistics.sources:
        counts = numbers(source.records, source.kept, source.dropped, source.quarantined)
        assert sources[source.source][1:5] == counts
    rounds = tables["Conversations of one round"]
    for raw, result in statistics.round_pairs():
        both = (raw.single, raw.multi, raw.single + raw.multi)
        both += (result.single, result.multi, result.single + result.multi)
        assert rounds[raw.source] == numbers(*both)
    assert rounds["the paper"][3:] == ["141,345", "35,333", "176,678"]
    topics = tables["Kept conversations by topic"]
    for topic, kept in statistics.categories.items():
        assert sum(map(int, topics[topic])) == kept
    for measure in ("Length in characters", "Tokens", "Quality score"):
        columns = zip(*(map(int, row) for row in list(tables[measure].values())[2:]), strict=True)
        after = [sum(column) for column in columns][1::2]
        assert after == [source.kept for source in statistics.sources]
    (found,) = statistics.contamination
    row = numbers(found.items, found.subjects, found.conversations, found.found)
    assert tables["Benchmarks that were looked for"][found.benchmark] == row


def test_every_rule_is_there_with_its_count_and_examples(sample, html):
    statistics = read_statistics(sample)
    text = re.sub(r"<[^>]+>", "", html)
    for stage in statistics.stages:
        for reason, n in stage.dropped.items():
            assert f'id="{stage.stage}-{reason}"' in html
            assert f"{reason} {n} record" in text
        for rule in stage.edited:
            assert f'id="{stage.stage}-{rule}"' in html
    assert "Of message 2 100% is repetition; the limit is 45%." in text
    quality = {rule for rule in REASONS["quality"] if f'id="quality-{rule}"' not in html}
    assert "refusal" in quality
    assert all(f"<code>{rule}</code>" in html for rule in quality)


def test_every_reason_and_rule_in_the_code_has_a_meaning():
    from curation.stages.clean import CONVERSATION_RULES, TEXT_RULES
    from curation.stages.control_tokens import FAMILIES
    from curation.stages.privacy import PLACEHOLDERS
    from curation.stages.quality import PENALTIES
    from curation.stages.quality.translation import TRANSLATION

    assert {*TEXT_RULES, *CONVERSATION_RULES} == {*EDITS["clean"]}
    assert {*FAMILIES} == {*EDITS["control_tokens"]}
    assert {*PLACEHOLDERS} == {*EDITS["privacy"]}
    more = {TRANSLATION, "identity", "too_long", "message_too_long"}
    assert {*PENALTIES, *more} == {*REASONS["quality"]}
    ledger = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)`(?:, \w+)? \| (.*) \|$", ledger, re.MULTILINE)
    told = {name for known in (REASONS, EDITS) for names in known.values() for name in names}
    for stage, cell in rows:
        if stage in STAGES:
            names = {*re.findall(r"`([a-z_]+)`", cell.split("The evidence")[0].split(";")[0])}
            assert names - told <= {"words", "min_score", "duplicate_of"}, stage
    sources = "\n".join(p.read_text("utf-8") for p in (ROOT / "curation/sources").glob("*.py"))
    repairs = re.findall(r'repairs\.add\("(\w+)"\)', sources)
    assert {*repairs, "empty_turn", "leading_assistant"} <= {*EDITS["read"]}
    assert {*STAGES} >= {*Stages.model_fields} - {"split"}


def test_the_recipe_on_the_page_makes_the_corpus_again(sample):
    manifest = read_manifest(sample)
    content = gather(sample, manifest, read_statistics(sample), 0)
    for text in (content.recipe_yaml, content.settings_yaml):
        assert Recipe.model_validate(yaml.safe_load(text)) == manifest.recipe
    assert content.commands[0] == "curate run sample --output corpus"
    changed_recipe = manifest.recipe.model_copy(update={"name": "mine"})
    mine = manifest.model_copy(update={"recipe": changed_recipe})
    content = gather(sample, mine, read_statistics(sample), 0)
    assert content.commands[0] == "curate run recipe.yaml --output corpus"


def test_examples_are_chosen_by_seed_alone(curate, sample, html, tmp_path):
    assert curate("run", "sample", "--output", tmp_path / "b", "--workers", 1, "--chunk-size", 60)
    again = (tmp_path / "b" / "report.html").read_text(encoding="utf-8")
    assert again == html
    manifest, statistics = read_manifest(sample), read_statistics(sample)
    assert render(gather(sample, manifest, statistics, 0)) == html
    other = render(gather(sample, manifest, statistics, 1))
    assert [*re.findall(r"<article.*?</article>", html, re.DOTALL)] != [
        *re.findall(r"<article.*?</article>", other, re.DOTALL)
    ]
    assert sorted("abc", key=order(0)) != sorted("abc", key=order(1))


def files(directory):
    return {
        p.relative_to(directory): p.read_bytes()
        for p in directory.rglob("*")
        if p.is_file() and ".work" not in p.parts
    }


@pytest.fixture
def corpus(sample, tmp_path):
    """A copy of the sample's, to be spoiled."""
    return shutil.copytree(sample, tmp_path / "corpus")


def test_the_command_makes_report_and_manifest_again(curate, corpus, tmp_path):
    before = files(corpus)
    assert curate("report", corpus).code == 0
    assert files(corpus) == before
    (corpus / "assets" / "mine.png").write_bytes(b"mine")
    (corpus / "report.html").write_text("spoiled")
    (corpus / "assets" / "flow.png").unlink()
    assert curate("verify", corpus).code == 1
    done = curate("report", corpus, "--seed", 3)
    assert done.code == 0
    assert "report.html" in done.out
    assert curate("verify", corpus).code == 0
    after = files(corpus)
    assert after.pop(Path("assets/mine.png")) == b"mine"
    changed_files = {path for path in before if before[path] != after[path]}
    assert changed_files == {Path("report.html"), Path("manifest.json")}
    elsewhere = tmp_path / "page.html"
    assert curate("report", corpus, "--output", elsewhere, "--seed", 3).code == 0
    assert elsewhere.read_bytes() == after[Path("report.html")]
    assert {k: v for k, v in files(corpus).items() if k in after} == after


@pytest.mark.parametrize("broken", ["data/train-00000-of-00001.parquet", "statistics.json"])
def test_a_damaged_corpus_is_refused_in_a_sentence(curate, corpus, tmp_path, broken):
    path = corpus / broken
    path.write_bytes(path.read_bytes()[:-9] + b" " * 9)
    before = files(corpus)
    for more in ((), ("--output", tmp_path / "x.html")):
        done = curate("report", corpus, *more)
        assert done.code == 1
        assert broken in done.err
        assert "curate run" in done.err
    assert files(corpus) == before
    assert not (tmp_path / "x.html").exists()


def test_what_is_no_corpus_or_no_place_is_said(curate, corpus, tmp_path):
    (tmp_path / "empty").mkdir()
    done = curate("report", tmp_path / "empty")
    assert (done.code, "no finished corpus" in done.err) == (1, True)
    done = curate("report", corpus, "--output", tmp_path / "none" / "x.html")
    assert (done.code, "cannot be written" in done.err) == (1, True)


@pytest.mark.parametrize(
    "place", ["data/train-00000-of-00001.parquet", "manifest.json", "report.html", "x/../new.html"]
)
def test_the_page_is_not_written_over_the_corpus(curate, corpus, place):
    before = files(corpus)
    done = curate("report", corpus, "--output", corpus / place)
    assert (done.code, "lies in the corpus" in done.err) == (2, True)
    assert files(corpus) == before


def test_a_report_that_cannot_be_written_changes_nothing(curate, corpus):
    pictures = corpus / "assets"
    pictures.rename(corpus / "mine")
    (corpus / "assets").write_text("a file")
    before = files(corpus)
    done = curate("report", corpus, "--seed", 3)
    assert done.code == 1
    assert f"{pictures}" in done.err.replace("\n", "")
    assert files(corpus) == before


def test_nothing_is_written_through_links(curate, corpus, tmp_path):
    theirs = tmp_path / "theirs.html"
    theirs.write_text("theirs")
    for link in ("report.html", ".report.html.partial"):
        (corpus / link).unlink(missing_ok=True)
        (corpus / link).symlink_to(theirs)
    assert curate("report", corpus).code == 0
    assert curate("verify", corpus).code == 0
    assert theirs.read_text() == "theirs"
    assert not (corpus / "report.html").is_symlink()
    (corpus / "assets").rename(tmp_path / "assets")
    (corpus / "assets").symlink_to(tmp_path / "assets")
    done = curate("report", corpus, "--seed", 3)
    assert (done.code, "is a link" in done.err) == (1, True)


def test_a_record_without_an_answer_is_shown_and_its_messages_numbered(html):
    quoted = re.search(r'id="read-no_answer">.*?</details>', html, re.DOTALL)[0]
    assert quoted.count('<span class="role">record</span>') == 3
    assert "&#34;instruction&#34;:" in quoted
    assert "message 2 · assistant" in html
    assert re.search(r"… \d+ (more )?messages? not shown …", html)


def test_what_did_not_run_is_said(curate, write_recipe, tmp_path):
    path = tmp_path / "a.jsonl"
    record = {"instruction": "请介绍一下北京的历史。", "output": "北京有三千多年的历史。"}
    path.write_text(json.dumps(record))
    off = {name: {"enabled": False} for name in ("language", "script", "quality", "category")}
    recipe = write_recipe(stages=off | {"dedup": {"enabled": False}}, only=path)
    assert curate("run", recipe, "--output", tmp_path / "out", "--workers", 1).code == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("switched off") == 5
    summaries = re.findall(r"<summary>(.*?)</summary>", page)
    assert len(set(summaries)) == len(summaries)


MOBILE, MAIL = "13912345678", "xiaolin@qingniao.com.cn"
BROKEN = f"{MOBILE[:4]}\u200b{MOBILE[4:]}"


@pytest.mark.parametrize("action", ["redact", "drop", "flag", "off"])
def test_personal_data_is_in_no_report(curate, write_recipe, tmp_path, action):
    rows = [
        f"请改得礼貌一些：我的电话是{BROKEN}  \n\n\n谢谢\u200b,请拨打{MOBILE}\u200b，谢谢您。",
        f"怎么联系房东呢？,可以写信到{MAIL}，说明来意和时间。",
        f"怎么联系房东呢？,可以写信到{MAIL}，说明来意和时间。",
        f"Where is he?,Write to {MAIL} or call {MOBILE} now",
        f"{MOBILE}是谁的号码？,无",
    ]
    records = [dict(zip(("instruction", "output"), row.split(","), strict=True)) for row in rows]
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join([*lines, f'{{"text": "{MAIL}", "{MOBILE}": 1}}', f"{{{MAIL}"]))
    out = tmp_path / "out"
    recipe = write_recipe(stages={"privacy": {"action": action}}, a=path)
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    statistics = (out / "statistics.json").read_text(encoding="utf-8")
    assert read_statistics(out).clusters or action == "drop"
    assert not re.search(f"{MOBILE}|{MAIL}", statistics)
    shown = re.sub(r"\\u200b|<[^>]+>", "", page)
    assert "language-language" in page
    for piece in (MOBILE, MAIL, MOBILE[:4] + "\u200b", "xiaolin"):
        assert piece not in shown
        assert piece not in page


def test_no_placeholder_is_cut_in_two():
    for before in range(EXCERPT + 2):
        shown = _beginning("甲" * before + "[手机号]" + "乙" * EXCERPT)
        assert shown.count("[") == shown.count("]")
        assert len(shown) <= EXCERPT


def test_changes_are_cut_around_and_white_space_is_seen():
    before = "甲" * 100 + "  \n" + "乙" * 100 + "\u00a0丙"
    after = "甲" * 100 + "\n" + "乙" * 100 + " 丙"
    diff = [change._asdict() for change in changes(before, after)]
    pieces = changed(before, diff)
    assert [(p.kind, p.text) for p in pieces if p.kind in ("removed", "added")] == [
        ("removed", "␣␣"),
        ("removed", "\\xa0"),
        ("added", "␣"),
    ]
    assert sum(len(p.text) for p in pieces) < 150
    hidden = changed(
        "电话13912345678。", [{"start": 2, "removed": MOBILE, "added": "[手机号]"}], hidden=True
    )
    assert MOBILE not in "".join(p.text for p in hidden)
    assert Piece("removed", "11 characters, not shown") in hidden
    assert changed("全部", None) == [Piece("removed", "全部")]
    assert changed("", None) == [Piece("cut", "(an empty message)")]
    named = "张伟的电话13912345678，cvc 123"
    hidden = changed(named, [{"start": 5, "removed": MOBILE, "added": "[手机号]"}], hidden=True)
    assert "".join(p.text for p in hidden) == " … 11 characters, not shown[手机号] … "
    many = [{"start": i * 2, "removed": "a", "added": "b"} for i in range(30)]
    assert changed("a." * 30, many)[-1] == Piece("cut", "… and 22 more changes")


def test_what_was_found_is_marked():
    pieces = around("前" * 500 + "Human:" + "后" * 500, "Human:")
    assert Piece("found", "Human:") in pieces
    assert sum(len(p.text) for p in pieces) < 300
    assert around("短") == [Piece("same", "短")]
