"""`curate browse` as a person uses it: served for real, driven in a browser."""

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCREENS = {
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
}


@contextmanager
def browsing(corpus):
    """The command on a free port; gives its URL, ends it as Ctrl-C does."""
    code = "from curation.cli import main; main()"
    command = [sys.executable, "-c", code, "browse", str(corpus), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            said = server.stdout.readline()
            yield re.search(r"http://127\.0\.0\.1:\d+/", said)[0]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=20)
    assert errors == ""
    assert server.returncode == 0


@pytest.fixture(scope="module")
def sample_url(sample):
    with browsing(sample) as url:
        yield url


@pytest.fixture(scope="module")
def attacked_url(attacked):
    with browsing(attacked) as url:
        yield url


def paths(page, url):
    """A path of every kind of page, and of records of every outcome."""
    found = [
        "",
        "clusters",
        "records?q=%E7%9A%84",
        "records?page=x&reason=y",
        "record/no",
    ]
    for narrowed in ("outcome=kept", "stage=dedup", "stage=quality", "outcome=quarantined"):
        page.goto(f"{url}records?{narrowed}")
        titles = page.locator("a.title")
        if titles.count():
            found.append(titles.first.get_attribute("href").lstrip("/"))
    return found


def test_a_bad_record_is_found_and_its_partner_looked_at(page, sample_url):
    page.goto(sample_url)
    page.get_by_role("link", name="Records", exact=True).click()
    filters = page.get_by_role("navigation", name="Filters")
    filters.get_by_role("link", name="dropped").click()
    filters.get_by_role("link", name="near_duplicate").click()
    shown = int(re.search(r"([\d,]+) records?, 1 to", page.locator("main").inner_text())[1])
    assert page.locator("ol.records > li").count() == shown > 1
    page.locator("a.title").first.click()
    assert page.locator(".beside").count() >= 1
    assert page.locator(".beside mark").count() >= 1
    page.get_by_role("link", name="next ›").click()
    assert f"2 of {shown}" in page.locator("main").inner_text()
    page.get_by_role("link", name="The whole cluster").click()
    assert page.locator(".badge.kept").count() == 1
    assert page.locator(".badge.dropped").count() >= 1


def test_a_search_by_keyboard_is_a_url_to_share(page, sample_url):
    page.goto(f"{sample_url}records?outcome=kept")
    page.get_by_label("Text in a message").focus()
    page.keyboard.type("什么")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    assert "outcome=kept" in page.url
    assert page.locator("mark").first.inner_text() == "什么"
    page.get_by_role("link", name="remove text: 什么").click()
    assert "q=" not in page.url


def test_nothing_of_a_corpus_of_attacks_runs_or_is_fetched(page, attacked_url):
    happened = []
    page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: happened.append(str(error)))
    page.on(
        "request",
        lambda request: request.url.startswith(attacked_url) or happened.append(request.url),
    )
    page.goto(f"{attacked_url}records")
    records = page.locator("a.title").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(records) > 5
    for path in [
        *paths(page, attacked_url),
        "records",
        "report",
        *(r.lstrip("/") for r in records),
    ]:
        page.goto(attacked_url + path)
        assert page.evaluate("window.canary") is None
        assert page.locator("script, iframe, object, img, [onerror], [onload]").count() == 0
    assert not happened
    assert not page.context.cookies()


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_for_everyone(screen, open_page, sample_url):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe").Axe()
    page = open_page(**SCREENS[screen])
    for path in paths(page, sample_url):
        page.goto(sample_url + path)
        found = [
            (rule["id"], node["html"])
            for rule in axe.run(page).response["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
        assert not found, path
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path
