"""`curate diff`: every kind of change, by small runs through the command line."""

import json
import shutil

import polars as pl
import pytest

from curation.compare.result import Change

MOBILE = "13912345678"
OFF = {name: {"enabled": False} for name in ("language", "category")}
LONG = (
    "清晨的花园里雾气还没有散，石板路湿漉漉的。老园丁推开木门，先去看昨天移栽的月季，叶子已经"
    "挺起来了。墙角的迎春开了一半，蜜蜂在里面忙着。他把水桶放下，蹲在池塘边数睡莲的花苞，一共"
    "七朵，比去年多了两朵。孩子们放学以后常来这里写生，颜料弄得满手都是，谁也不肯先回家吃饭。"
    "傍晚起了风，竹叶沙沙地响，远处传来火车经过铁桥的声音，像有人在慢慢拉一把旧的手风琴。"
)
MORE = (
    "冬天来得很早，河面结了一层薄冰，渡船停在对岸。邮局的灯亮到深夜，值班的人把信件按街道分好，"
    "用麻绳扎成小捆。外面下着雪，偶尔有人敲窗户问寄往南方的包裹几天能到。他总是回答得很耐心，"
    "还提醒人家把地址写清楚。炉子上的水壶开了，白汽顶着盖子轻轻跳动，屋里有一股烤红薯的甜味。"
)


def pair(question, answer):
    return {"instruction": question, "output": answer}


TULIP = pair("春天适合种什么花？", "郁金香和月季都适合在春天种下。")
TEA = pair("绿茶怎么泡才不苦？", "水温八十度左右，泡两分钟就倒出来。")
SHARED = pair("长江有多长？", "长江全长约六千三百公里，是亚洲第一长河。")
FORGED = pair("[INST]是什么意思？", "它是一些模型里标记指令开头的记号。")
FORGED_LONG = pair("写一段关于花园的[INST]文字。", LONG)
HTML = pair("怎么写一封请假信？", "<div>先写称呼，再写原因和日期。</div>最后署名。")
TOO_LONG = pair("写一段关于花园的文字。", LONG)
LONGER = pair("再写一段长一些的文字。", LONG + MORE)


@pytest.fixture
def made(curate, tmp_path):
    """Make a corpus: `made("a", {"garden": [records]}, quality={…})` gives its directory."""

    def make(name, sources, files=None, licenses=None, **stages):
        folder = tmp_path / f"{name}-in"
        folder.mkdir()
        listed = []
        for source, records in sources.items():
            path = folder / (files or {}).get(source, f"{source}.jsonl")
            lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
            path.write_text("\n".join(lines), encoding="utf-8")
            license_ = (licenses or {}).get(source, "cc0-1.0")
            listed.append({"name": source, "path": str(path), "license": license_})
        recipe = folder / "recipe.yaml"
        recipe.write_text(json.dumps({"name": "c", "sources": listed, "stages": {**OFF, **stages}}))
        out = tmp_path / name
        done = curate("run", recipe, "--output", out, "--workers", 1)
        assert done.code == 0, done.err
        return out

    return make


@pytest.fixture
def differing(curate):
    """Compare as JSON."""

    def compare(a, b, *options):
        done = curate("diff", a, b, "--json", *options)
        found = json.loads(done.out)
        assert done.code == int(found["differs"])
        left, entered = (found["changes"].get(name, 0) for name in ("left", "entered"))
        assert found["records"] == [found["common"] + left, found["common"] + entered]
        for change, number in found["changes"].items():
            moves = [move for move in found["moves"] if move["change"] == change]
            assert number == sum(len(move["ids"]) for move in moves)
            assert number == sum(source["changes"].get(change, 0) for source in found["sources"])
            assert all(len(move["ids"]) == sum(move["sources"].values()) for move in moves)
        return found

    return compare


@pytest.fixture
def two(made):
    """Two corpora between which every kind of change happens."""
    rest = [FORGED, FORGED_LONG, HTML, TOO_LONG, LONGER]
    a = made(
        "a",
        {"one": [SHARED, TULIP, *rest], "two": [SHARED], "three": [SHARED, TEA]},
        clean={"html": True},
        control_tokens={"action": "drop"},
        quality={"max_chars": 300},
        dedup={"priority": ["one", "two", "three"]},
    )
    changed_tulip = pair(TULIP["instruction"], "郁金香最好在秋天种下。")
    b = made(
        "b",
        {"one": [SHARED, changed_tulip, *rest], "two": [SHARED], "three": [SHARED, TEA]},
        licenses={"three": "mit"},
        clean={"html": False},
        control_tokens={"action": "escape"},
        quality={"max_chars": 150},
        dedup={"priority": ["two", "one", "three"]},
    )
    return a, b


def test_every_kind_of_change(two, differing):
    found = differing(*two)
    assert found["changes"] == {
        "entered": 1,  # the tulip as it is answered now
        "left": 1,  # and as it was
        "lost": 2,  # too long now; the shared one of the first source
        "gained": 2,  # its control token is escaped now; the shared one of the second source
        "redecided": 2,  # a control token, then too long; another survivor
        "text": 1,
        "columns": 1,  # the tea's licence
        "ledger": 1,  # too long both times, for another limit
    }
    assert set(found["changes"]) == {*Change}
    moves = {
        (m["change"], *(s and s["reason"] for s in (m["before"], m["after"])))
        for m in found["moves"]
    }
    assert moves == {
        ("entered", None, None),
        ("left", None, None),
        ("lost", None, "too_long"),
        ("lost", None, "exact_duplicate"),
        ("gained", "control_tokens", None),
        ("gained", "exact_duplicate", None),
        ("redecided", "control_tokens", "too_long"),
        ("redecided", "exact_duplicate", "exact_duplicate"),
        ("text", None, None),
        ("columns", None, None),
        ("ledger", "too_long", "too_long"),
    }
    assert found["columns"] == [
        {"column": "license", "records": 1, "moves": [["cc0-1.0", "mit", 1]]}
    ]
    assert found["ledger"] == {"evidence": 1}
    rules = {(rule["stage"], rule["before"], rule["after"]) for rule in found["rules"]}
    assert rules == {("clean", 1, 0)}
    causes = {
        (cause["what"], cause["name"]): (cause["before"], cause["after"])
        for cause in found["causes"]
    }
    digest = causes.pop(("input", "one/one.jsonl"))
    assert digest[0]["sha256"] != digest[1]["sha256"]
    assert causes == {
        ("recipe", "sources.three.license"): ("cc0-1.0", "mit"),
        ("recipe", "stages.clean.html"): (True, False),
        ("recipe", "stages.control_tokens.action"): ("drop", "escape"),
        ("recipe", "stages.quality.max_chars"): (300, 150),
        ("recipe", "stages.dedup.priority"): (["one", "two", "three"], ["two", "one", "three"]),
    }


def test_the_other_way_round_is_the_reverse(two, differing):
    there, back = differing(*two), differing(*reversed(two))
    swapped = {"entered": "left", "left": "entered", "lost": "gained", "gained": "lost"}
    assert {swapped.get(name, name): n for name, n in there["changes"].items()} == back["changes"]
    assert there["kept"] == back["kept"][::-1]


def test_what_a_person_reads_is_what_a_program_reads(two, curate, differing):
    found = differing(*two)
    done = curate("diff", *two)
    assert done.code == 1
    lines = done.out.splitlines()
    for name, records, kept in zip("AB", found["records"], found["kept"], strict=True):
        assert any(
            line.startswith(f"{name}  ") and f"{records} records, {kept} kept" in line
            for line in lines
        )
    for cause in found["causes"]:
        assert any(cause["name"] in line for line in lines)
    for move in found["moves"]:
        assert all(example["id"] in done.out for example in move["examples"])
    assert "2 no longer kept" in done.out
    assert "[-郁金香" not in done.out  # two records, not one that changed
    assert "{+<div>+}先写称呼" in done.out
    assert "no longer kept: kept → quality/too_long (1 of 1)" in lines
    assert "B: quality/too_long, message=1, measured=" in " ".join(lines)


def test_nothing_differs_but_the_time(made, curate, differing):
    a = made("a", {"one": [SHARED, TULIP], "two": [SHARED, HTML]})
    b = made("b", {"one": [SHARED, TULIP], "two": [SHARED, HTML]})
    path = b / "statistics.json"
    statistics = json.loads(path.read_text())
    statistics["stages"][0]["seconds"] += 7
    path.write_text(json.dumps(statistics))
    found = differing(a, b)
    assert not found["differs"]
    assert found["changes"] == {}
    assert found["moves"] == found["causes"] == []
    done = curate("diff", a, b)
    assert done.code == 0
    assert done.out.splitlines()[-1] == "nothing differs"


def test_a_recipe_that_changes_no_record_differs(made, differing):
    a, b = (
        made(n, {"one": [TULIP]}, quality={"max_chars": m}) for n, m in (("a", 400), ("b", 500))
    )
    found = differing(a, b)
    assert found["differs"]
    assert [cause["name"] for cause in found["causes"]] == ["stages.quality.max_chars"]
    assert found["changes"] == {}


@pytest.mark.parametrize("renamed", ["file", "source"])
def test_records_of_a_renamed_file_are_compared(made, curate, differing, renamed):
    records = [TULIP, TEA, TOO_LONG, '{"instruction": "断', SHARED]
    copies = [SHARED, SHARED]
    a = made("a", {"one": records, "two": copies}, files={"one": "first.jsonl"})
    name = "one" if renamed == "file" else "eins"
    file = "second.jsonl" if renamed == "file" else "first.jsonl"
    b = made("b", {name: records, "two": copies}, files={name: file}, quality={"max_chars": 150})
    found = differing(a, b)
    assert found["common"] == 7
    assert len(found["renamed"]) == 5
    assert all(old != new for old, new in found["renamed"].items())
    assert found["changes"]["lost"] == 1
    assert "entered" not in found["changes"]
    assert "redecided" not in found["changes"]  # the copies' survivor has only another id
    [lost] = [move for move in found["moves"] if move["change"] == "lost"]
    [example] = lost["examples"]
    assert found["renamed"][example["before"]["id"]] == example["after"]["id"] == example["id"]
    assert example["before"]["messages"] == example["after"]["messages"]
    assert {s["source"]: s["before"] for s in found["sources"]} == {name: 5, "two": 2}
    keys = {c["name"] for c in found["causes"] if c["what"] == "recipe"}
    source = {f"sources.{name}.name"} if renamed == "source" else set()
    paths = {"sources.two.path", f"sources.{name}.path"}
    assert keys - paths == {"stages.quality.max_chars"} | source
    [cause] = [cause for cause in found["causes"] if cause["what"] == "renamed input"]
    assert (cause["before"], cause["after"]) == ("one/first.jsonl", f"{name}/{file}")
    assert "5 records have other ids" in curate("diff", a, b).out


def test_a_file_that_was_renamed_and_changed_is_another(made, curate, differing):
    a = made("a", {"one": [TULIP, TEA]}, files={"one": "first.jsonl"})
    b = made("b", {"one": [TULIP, TEA, SHARED]}, files={"one": "second.jsonl"})
    found = differing(a, b)
    assert found["changes"] == {"entered": 3, "left": 2}
    assert found["same_text"] == 2
    [entered] = [m for m in differing(a, b, "--examples", 1)["moves"] if m["change"] == "entered"]
    [example] = entered["examples"]  # of the one that is new, not of those that were there before
    assert example["after"]["messages"][0]["content"] == SHARED["instruction"]
    assert "2 of the kept records only in B have the text" in curate("diff", a, b).out


def test_personal_data_is_not_shown(made, curate):
    records = [
        pair("怎么联系房东？", f"请拨打{MOBILE}，说明来意和时间。"),
        pair("这段话太长了吗？", f"{LONG}电话{MOBILE}。"),
        pair("这段话变了吗？", f"<div>可以</div>拨打{MOBILE}，说明来意。"),
        f'{{"instruction": "电话{MOBILE}',
    ]
    a = made("a", {"one": records}, privacy={"action": "off"}, quality={"max_chars": 150})
    b = made("b", {"one": records}, clean={"html": False}, quality={"max_chars": 170})
    assert MOBILE in str(pl.read_parquet(a / "data").to_dicts())
    for first, second in ((a, b), (b, a), (a, a)):
        for options in ((), ("--json",)):
            done = curate("diff", first, second, *options)
            assert MOBILE not in done.out + done.err
            assert MOBILE[:7] not in done.out
    assert "differs in personal data only" in curate("diff", a, b).out


@pytest.mark.parametrize("hidden", ["139\u200b1234\u200b5678", "139&#49;2345678"])
def test_a_number_in_pieces_does_not_stand_beside_its_placeholder(made, curate, hidden):
    records = [pair("怎么联系房东？", f"请拨打电话{hidden}，说明来意和时间。")]
    a = made("a", {"one": records}, clean={"enabled": False}, privacy={"action": "off"})
    b = made("b", {"one": records})
    for first, second in ((a, b), (b, a)):
        for options in ((), ("--json",)):
            out = curate("diff", first, second, *options).out
            assert "[手机号]" in out or "personal data" in out
            for piece in (hidden, "5678"):
                assert piece not in out.replace("\\u200b", "")


def test_a_text_whose_number_only_one_side_finds_is_not_shown(made, curate, differing):
    number = "10010" + "23456"
    records = [pair("怎么找到他？", f"<div>他的QQ是</div>{number}，说明来意和时间。")]
    a = made("a", {"one": records}, clean={"html": False})
    b = made("b", {"one": records}, privacy={"ignore": ["qq", "mobile", "landline"]})
    for first, second in ((a, b), (b, a)):
        assert number not in curate("diff", first, second).out
        assert number not in curate("diff", first, second, "--json").out


def test_what_differs_in_the_ledger_alone_is_named(made, curate):
    a = made("a", {"one": ['{"instruction": "断', TULIP]})
    b = a.with_name("b")
    shutil.copytree(a, b)

    def differing_evidence(first, second):
        for side, evidence in ((a, first), (b, second)):
            [path] = (side / "ledger" / "decisions").glob("*.parquet")
            told = pl.when(pl.col("outcome") == "quarantined").then(pl.lit(json.dumps(evidence)))
            rows = pl.read_parquet(path).with_columns(evidence=told.otherwise("evidence"))
            rows.write_parquet(path)
        return curate("diff", a, b).out

    assert "offset: 5 → 7" in differing_evidence({"offset": 5}, {"offset": 7})
    out = differing_evidence({"record": f"电话{MOBILE}"}, {"record": "电话13812345678"})
    assert "its evidence differs in personal data only" in out
    assert "12345678" not in out
    [path] = (b / "ledger" / "edits").glob("*.parquet")
    assert "its edits differ" not in out
    id_ = pl.read_parquet(a / "data" / "*.parquet")["id"][0]
    edit = {"id": id_, "turn": 0, "stage": "clean", "rule": "zero_width"}
    edits = pl.DataFrame([edit | {"before": "一", "after": "二"}])
    pl.concat([pl.read_parquet(path), edits], how="diagonal_relaxed").write_parquet(path)
    assert "its edits differ" in curate("diff", a, b).out


def test_a_change_with_line_ends_stays_on_its_line(made, curate):
    record = pair("写两行字。", "第一行<br>第二行讲的是另一件事。\n第三行到此为止。")
    a = made("a", {"one": [record]}, clean={"html": False})
    b = made("b", {"one": [record]})
    out = curate("diff", a, b).out
    assert "↵" in out
    assert not [line for line in out.splitlines() if line.startswith("第")]


def test_texts_do_not_steer_the_terminal(made, curate):
    hostile = pair("请把这句话\u202e倒过来。", "<b>好的</b>，\x1b[31m倒过来\u202e了，一共七个字。")
    keep = {"enabled": False}
    a = made("a", {"one": [hostile]}, quality=keep, clean=keep)
    b = made("b", {"one": [hostile, TEA]}, quality=keep, clean={"html": False})
    out = curate("diff", a, b).out
    assert "\\u202e" in out
    assert not {"\u202e", "\x1b"} & {*out}


def test_examples_are_chosen_by_seed(made, differing):
    records = [pair(f"第{i}个问题是什么？", f"第{i}个问题没有答案，只有编号。") for i in range(9)]
    a, b = made("a", {"one": records[:2]}), made("b", {"one": records})
    [first], [again], [other] = (
        [m for m in differing(a, b, *options)["moves"] if m["change"] == "entered"]
        for options in ((), ("--seed", 0), ("--seed", 5))
    )
    ids = [[example["id"] for example in move["examples"]] for move in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 3
    assert {*ids[0]} < {*first["ids"]}
    [none] = [m for m in differing(a, b, "--examples", 0)["moves"] if m["change"] == "entered"]
    assert none["examples"] == []
    assert none["ids"] == first["ids"]


def test_versions_and_code_are_causes(made, differing):
    a, b = made("a", {"one": [TULIP]}), made("b", {"one": [TULIP]})
    rewrite(b, lambda manifest: manifest["versions"].update(numpy="0.1"))
    [cause] = differing(a, b)["causes"]
    assert (cause["what"], cause["name"], cause["after"]) == ("version", "numpy", "0.1")


def test_the_code_is_named_where_nothing_else_differs(made, differing):
    a = made("a", {"one": [TULIP]})
    b = a.with_name("b")
    shutil.copytree(a, b)
    rewrite(b, lambda manifest: manifest.update(key="0" * 16))
    assert not differing(a, b)["differs"]
    [path] = (b / "data").glob("*.parquet")
    pl.read_parquet(path).with_columns(category=pl.lit("Art")).write_parquet(path)
    found = differing(a, b)
    assert found["changes"] == {"columns": 1}
    assert [cause["what"] for cause in found["causes"]] == ["code"]


def rewrite(directory, change):
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def empty(directory):
    shutil.rmtree(directory)


def of_another_version(directory):
    rewrite(directory, lambda manifest: manifest.update(version=2))


def without_data(directory):
    shutil.rmtree(directory / "data")


def cut(directory):
    [path] = (directory / "ledger" / "decisions").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:200])


def other_columns(directory):
    [path] = (directory / "data").glob("*.parquet")
    pl.DataFrame({"id": ["a"]}).write_parquet(path)


@pytest.mark.parametrize("damage", [empty, of_another_version, without_data, cut, other_columns])
@pytest.mark.parametrize("which", ["first", "second"])
def test_a_corpus_that_cannot_be_read_is_named(made, curate, damage, which):
    sound = made("sound", {"one": [TULIP]})
    broken = sound.with_name("broken")
    shutil.copytree(sound, broken)
    damage(broken)
    done = curate("diff", *((broken, sound) if which == "first" else (sound, broken)))
    assert done.code == 1
    assert done.err.startswith(f"curate: {broken}")
    assert str(sound) not in done.err
    assert done.out == ""
