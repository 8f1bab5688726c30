"""The report as a browser shows it: harmless, readable by all, on any screen and on paper."""

import re

import pytest

#: Both themes and both widths: colours do not depend on the width.
SCREENS = {
    "light": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"},
    "phone, dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
#: Control, direction and invisible characters: none of them belongs into a page.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@pytest.fixture
def watched(page):
    """The page, and all that happens on it."""
    happened = {"dialogs": [], "console": [], "requests": [], "blocked": [], "errors": []}
    page.on("dialog", lambda dialog: (happened["dialogs"].append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: happened["console"].append(message.text))
    page.on("request", lambda request: happened["requests"].append(request.url))
    page.on("requestfailed", lambda request: happened["blocked"].append(request.url))
    page.on("pageerror", lambda error: happened["errors"].append(str(error)))
    return page, happened


def test_nothing_in_a_corpus_of_attacks_runs_or_loads(watched, attacked):
    page, happened = watched
    url = (attacked / "report.html").as_uri()
    page.goto(url)
    page.evaluate(OPEN_ALL)
    page.mouse.move(300, 300)
    page.wait_for_timeout(300)
    assert page.evaluate("window.canary") is None
    assert happened.pop("requests") == [url]
    assert not any(happened.values()), happened
    assert page.url == url
    assert page.locator("body").is_visible()
    foreign = (
        "script, iframe, object, embed, form, base, img, textarea, button, [onload], [onerror]"
    )
    assert page.locator(foreign).count() == 0
    hrefs = page.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert hrefs
    assert all(href.startswith("#") for href in hrefs)


def test_the_attacks_are_there_to_read(page, attacked):
    page.goto((attacked / "report.html").as_uri())
    page.evaluate(OPEN_ALL)
    text = page.locator("main").inner_text()
    assert "<img src=x onerror=window.canary=1>.jsonl" in text
    for part in ("alert(1)</script>", "onerror=", "@import", "javascript:", "\\u202e", "\\x1b["):
        assert part in text, part


def test_no_steering_character_is_in_the_page(attacked, sample):
    for corpus in (attacked, sample):
        assert not STEERING.search((corpus / "report.html").read_text(encoding="utf-8"))


def test_the_policy_stops_what_escaping_would_miss(watched, sample, tmp_path):
    page, happened = watched
    html = (sample / "report.html").read_text(encoding="utf-8")
    attack = (
        "<script>window.canary=1</script><img src=x onerror='window.canary=1'>"
        "<img src=http://attack.invalid/a.png><style>body{display:none}</style>"
    )
    broken = tmp_path / "broken.html"
    broken.write_text(html.replace("</main>", f"{attack}</main>"), encoding="utf-8")
    page.goto(broken.as_uri())
    assert page.evaluate("window.canary") is None
    assert page.locator("h1").is_visible()
    assert len([text for text in happened["console"] if "Content Security Policy" in text]) >= 3
    assert {*happened["requests"]} - {*happened["blocked"]} == {broken.as_uri()}


def test_without_scripts_everything_can_be_read(open_page, sample):
    page = open_page(java_script_enabled=False)
    page.goto((sample / "report.html").as_uri())
    contents = page.locator("nav a")
    assert contents.count() >= 12
    for link in contents.all():
        assert page.locator(link.get_attribute("href")).is_visible()
    closed = page.locator("details:not([open])").first
    hidden = closed.locator("> :not(summary)").first
    assert not hidden.is_visible()
    closed.locator("> summary").click()
    assert page.locator("details[open] > :not(summary)").first.is_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_it_is_accessible(open_page, sample, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page = open_page(**SCREENS[screen])
    page.goto((sample / "report.html").as_uri())
    page.evaluate(OPEN_ALL)
    found = axe.Axe().run(page).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in grave]


@pytest.mark.parametrize("corpus", ["sample", "attacked"])
def test_it_fits_a_phone(open_page, request, corpus):
    page = open_page(**SCREENS["phone, dark"])
    page.goto((request.getfixturevalue(corpus) / "report.html").as_uri())
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    smallest = page.locator("svg text").evaluate_all(
        "all => Math.min(...all.map(t => t.getBoundingClientRect().height))"
    )
    assert smallest >= 10


def test_it_prints_light_and_whole(open_page, sample):
    page = open_page(color_scheme="dark")
    page.goto((sample / "report.html").as_uri())
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) != "rgb(255, 255, 255)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    heights = page.locator("details:not(.numbers) > :not(summary)").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert heights
    assert min(heights) > 0
    assert not page.locator("details.numbers").first.is_visible()
    page.set_viewport_size({"width": 688, "height": 900})  # A4 without its margins
    wide = page.locator("table").evaluate_all(
        "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
    )
    assert wide <= 688


def test_piled_marks_cover_nothing_around(page, sample, tmp_path):
    page.goto((sample / "report.html").as_uri())
    style = "getComputedStyle(document.querySelector('.text'))"
    assert page.evaluate(f"[{style}.overflowX, {style}.contain]") == ["clip", "paint"]


def test_a_wide_screen_is_used(page, sample):
    page.goto((sample / "report.html").as_uri())
    figure, table = (page.locator(f"section:has(#flow) {tag}").first for tag in ("figure", "table"))
    assert table.bounding_box()["x"] > figure.bounding_box()["x"] + figure.bounding_box()["width"]
    assert page.evaluate("document.documentElement.scrollHeight") < 14_000
