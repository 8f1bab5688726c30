"""The pages: what they say, what they never show, and what they answer to nonsense."""

import html
import re
import shutil
import socket

import pytest
from browsable import ATTACK, LONG, MAIL, PHONE, SPLIT, client_of, make

from curation.browser.library import Shelf
from curation.browser.server import ADDRESS, listen
from curation.browser.view import parse
from schemas.errors import RecipeError

PAGES = ("/", "/records", "/clusters")


def text_of(page):
    """What a person reads, on one line."""
    without_marks = re.sub(r"</?mark>|<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without_marks)).split())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_closed_to_the_world(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href|action)=\"(?!/|#|data:,)", answer.text)


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "", "0.0.0.0"])
def test_another_name_of_this_machine_is_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:9", "[::1]:8765"])
def test_this_machine_is_answered(client, host):
    assert client.get("/clusters", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("cross-site", "no-cors", "script", 403),
        ("same-site", "cors", "empty", 403),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "navigate", "document", 200),
        ("same-origin", "navigate", "document", 200),
        ("none", "navigate", "document", 200),
    ],
)
def test_another_site_gets_no_answer_but_by_a_link(client, site, mode, dest, status):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    for path in ("/", "/records?q=彩虹", "/record/nosuch"):
        expected = 404 if path.endswith("nosuch") and status == 200 else status
        assert client.get(path, headers=headers).status_code == expected


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(client, method):
    assert client.request(method, "/records").status_code == 405


def test_the_list_pages_through_all(client, library):
    seen = []
    for page in (1, 2, 3):
        seen += re.findall(
            r'class="title" href="/record/([^"?]+)', client.get(f"/records?page={page}").text
        )
    assert seen == [library.index.id(place) for place in range(library.index.size)]
    assert "There is no page 4; this is the last." in text_of(client.get("/records?page=4").text)


def test_a_search_marks_what_it_found(client):
    page = client.get("/records?q=彩虹").text
    assert page.count("<mark>彩虹</mark>") >= 2
    assert "2 records, 1 to 2 shown" in text_of(page)


@pytest.mark.parametrize(
    "query",
    [
        "page=-1&order=zz&quality_from=abc&tokens_to=nan",
        "reason=nosuch&rule=%00%0a&cluster=nosuch",
        "q=" + "%E9%95%BF" * 3000,
        "q=%ff%fe&source=%f0%9f",
        "q=(%5B.*%5C&page=1e9",
        "q=" + "a" * 10_000,
        "order=__class__&page=%EF%BC%91",
    ],
)
def test_nonsense_is_answered_with_a_sentence(client, query):
    for path in ("/records", "/clusters", "/record/nosuch", "/"):
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == (404 if "nosuch" in path else 200)
        assert "Traceback" not in answer.text
    assert (
        'class="problem"' in client.get(f"/records?{query}").text or "No record fits" in answer.text
    )


def test_an_unknown_record_or_page_is_not_found(client):
    assert "no record “nosuch”" in text_of(client.get("/record/nosuch").text)
    assert client.get("/no/such/page").status_code == 404
    assert (
        "curate report" in text_of(client.get("/report").text) or client.get("/report").is_success
    )


def test_corpus_text_is_text(client, record_with):
    record = record_with(ATTACK)
    for path in (f"/record/{record}", "/records?q=%3Cscript%3E", f"/record/{record}?q=<script>"):
        page = client.get(path).text
        assert "<script" not in page
        assert "<img" not in page
        assert "alert(1)" in page
    turned = client.get("/record/" + record_with("方向控制符")).text
    assert "\u202e" not in turned


def test_a_record_tells_its_life(client, record_with):
    page = text_of(client.get("/record/" + record_with(rule="traditional_to_simplified")).text)
    assert "traditional_to_simplified" in page
    assert "臺灣的氣候" in page
    assert "台湾的气候" in page
    unreadable = text_of(client.get("/record/" + record_with(outcome="quarantined")).text)
    assert "It could not be read" in unreadable
    assert unreadable.lower().count("offset") == 1
    listed = text_of(client.get("/records?outcome=quarantined").text)
    assert "mixed.jsonl, record 129" in listed
    assert "outcome: unreadable" in listed
    assert "quarantined" not in listed + unreadable


def test_a_duplicate_stands_beside_the_record_that_stayed(client, library):
    kept, gone = library.index.id(0), library.index.id(1)
    page = client.get(f"/record/{gone}").text
    assert "Jaccard 0." in page
    assert "七<mark>个</mark>颜色" in page
    assert "七<mark>种</mark>颜色" in page
    assert f'href="/records?cluster={kept}"' in page
    assert gone in client.get(f"/record/{kept}").text
    assert gone in client.get(f"/records?cluster={kept}").text


def test_previous_and_next_stay_in_the_view(client, library):
    rows = library.selection(parse({"q": "乘以"})).rows
    page = client.get(f"/record/{library.index.id(int(rows[1]))}?q=乘以").text
    assert "2 of 118" in page
    for neighbour in (rows[0], rows[2]):
        assert f"/record/{library.index.id(int(neighbour))}?q=%E4%B9%98%E4%BB%A5" in page


def test_the_way_back_leads_to_the_page_of_the_record(client, library):
    page = client.get(f"/record/{library.index.id(60)}?page=1").text
    assert '<a href="/records?page=2">‹ back to the list</a>' in page
    assert f"/record/{library.index.id(61)}?page=2" in page


def test_a_search_without_a_hit_says_what_is_searched(client):
    assert "as they were published" in text_of(client.get("/records?q=没有这句话").text)


def test_a_long_text_is_cut_until_asked_for(client, record_with):
    record = record_with("很长的文章")
    short, whole = client.get(f"/record/{record}").text, client.get(f"/record/{record}?all=1").text
    assert LONG[-30:] not in short
    assert "more characters" in short
    assert f"/record/{record}?all=1" in short
    assert LONG[-30:] in whole


@pytest.mark.parametrize("action", ["redact", "flag", "off", "drop"])
def test_personal_data_is_never_shown(action, tmp_path):
    off = {"enabled": False}
    shelf = Shelf(make(tmp_path, privacy={"action": action}, quality=off))
    client, library = client_of(shelf), shelf.library()
    paths = ["/", "/clusters", "/records?q=客服", "/records?outcome=quarantined"]
    paths += ["/records", "/records?q=Qw9x", "/records?q=关闭窗口", "/records?q=王小姐"]
    paths += [f"/record/{library.index.id(n)}?all=1" for n in (3, 8, 9, library.index.size - 1)]
    for path in paths:
        page = client.get(path).text
        shown = page.replace('value="Qw9x"', "").replace("text: Qw9x", "").replace("q=Qw9x", "")
        for secret in (PHONE, MAIL, "Qw9x", SPLIT, SPLIT.replace("\u200b", ""), "1357"):
            assert secret not in shown.replace("\\u200b", ""), path
    assert "客服" in client.get("/records?q=客服").text
    if action == "flag":
        assert "stands in personal data, which is not shown" in client.get("/records?q=Qw9x").text
        assert "<mark>王小姐</mark>" in client.get("/records?q=王小姐").text


def test_a_corpus_that_goes_or_changes(corpus, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    client = client_of(Shelf(copy))
    assert client.get("/records").status_code == 200
    manifest = (copy / "manifest.json").read_text()
    (copy / "manifest.json").unlink()
    gone = client.get("/records")
    assert gone.status_code == 503
    assert "no finished corpus" in text_of(gone.text)
    (copy / "manifest.json").write_text(manifest.replace("mixed-corpus", "another-corpus"))
    assert "another-corpus" in client.get("/records").text
    shutil.rmtree(copy / "ledger" / "edits")
    assert client.get("/record/" + Shelf(corpus).library().index.id(4)).status_code == 503
    shutil.rmtree(copy)
    assert client.get("/").status_code == 503


def test_it_listens_on_this_machine_only():
    with listen(0) as first:
        address, port = first.getsockname()
        assert address == ADDRESS == "127.0.0.1"
        with pytest.raises(RecipeError, match=f"--port: {port} .*cannot be used"):
            listen(port)


def test_without_a_port_the_next_free_is_taken():
    with listen(None) as first, listen(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]
        assert isinstance(first, socket.socket)


def test_a_folder_without_a_corpus_is_a_sentence(curate, tmp_path):
    done = curate("browse", tmp_path, "--port", 0)
    assert done.code == 1
    assert "no finished corpus" in done.err
