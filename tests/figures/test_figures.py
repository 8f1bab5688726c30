"""Drawings of statistics: what they hold is true, fits, and harms nobody."""

import re
import struct
import zlib
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_statistics import build

from curation import figures
from curation.figures.drawing import label, measured, shortened
from curation.figures.numbers import edge, short, step
from curation.figures.palette import DARK, FONT_SIZE, HEAT, LIGHT, SERIES
from curation.figures.widths import BOLD, CHARACTERS, REGULAR
from curation.text.numbers import number, percent

SVG = "{http://www.w3.org/2000/svg}"
FONT = Path(figures.__file__).parent / "font"


def drawn(statistics):
    return [
        figures.flow(statistics),
        figures.rounds(statistics),
        figures.categories(statistics),
        *(figures.spread(statistics, measure) for measure in ("characters", "tokens", "quality")),
        *(figures.shares(statistics, column) for column in ("language", "script")),
        figures.overlap(statistics),
    ]


@dataclass
class Box:
    what: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other):
        return (
            min(self.right, other.right) - max(self.left, other.left) > 0.01
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.01
        )


def boxes(node, x=0.0, y=0.0):
    """Of every text and rectangle the place it takes."""
    moved = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", node.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    if node.tag == SVG + "text":
        wide = measured(node.text, bold=node.get("class") == "d-bold")
        left = x + float(node.get("x"))
        left -= {"end": wide, "middle": wide / 2}.get(node.get("text-anchor"), 0.0)
        base = y + float(node.get("y"))
        yield Box("text " + node.text, left, base - 11, left + wide, base + 3)
    elif node.tag == SVG + "rect" and node.get("class")[2:] not in HEAT:
        left, top = x + float(node.get("x")), y + float(node.get("y"))
        right, bottom = left + float(node.get("width")), top + float(node.get("height"))
        yield Box("rect " + node.get("class"), left, top, right, bottom)
    for child in node:
        yield from boxes(child, x, y)


def texts(figure):
    """Visible texts, in order of drawing, each as it is written."""
    return [node.text for node in ET.fromstring(figure.svg).iter(SVG + "text")]


def tooltips(figure):
    root = ET.fromstring(figure.svg)
    return [node.text for node in root.iter(SVG + "title") if node is not root.find(SVG + "title")]


def test_drawings_are_harmless_xml(statistics):
    for figure in drawn(statistics):
        root = ET.fromstring(figure.svg)
        assert root.get("role") == "img"
        assert root.find(SVG + "title").text == figure.title == root.get("aria-label")
        assert root.find(SVG + "desc").text == figure.description
        for node in root.iter():
            assert node.tag.removeprefix(SVG) in {
                *("svg", "title", "desc", "g", "rect", "path", "text")
            }
            assert not {"style", "id", "href", "src"} & set(node.attrib)
            assert not [name for name in node.attrib if name.startswith("on") or "}" in name]
        assert "url(" not in figure.svg


def test_every_character_has_a_glyph(statistics):
    for figure in drawn(statistics):
        written = "".join(ET.fromstring(figure.svg).itertext())
        assert set(written) <= set(CHARACTERS)
        assert set(figure.title + figure.description) <= set(CHARACTERS)


def test_nothing_overlaps_and_nothing_is_cut(statistics):
    for figure in drawn(statistics):
        root = ET.fromstring(figure.svg)
        left, top, width, height = map(float, root.get("viewBox").split())
        found = list(boxes(root))
        for box in found:
            assert left <= box.left, (figure.name, box)
            assert box.right <= left + width, (figure.name, box)
            assert top <= box.top, (figure.name, box)
            assert box.bottom <= top + height, (figure.name, box)
        for one, other in combinations(found, 2):
            if "text" in one.what + other.what:
                assert not one.covers(other), (figure.name, one, other)


def test_every_used_colour_is_in_both_style_sheets(statistics):
    from curation.figures.palette import PLAIN

    for figure in drawn(statistics):
        for kind in set(re.findall(r'class="(d-[^"]+)"', figure.svg)):
            assert f".{kind}{{" in figures.STYLE
            assert f".{kind}{{" in PLAIN


def test_the_flow_tells_every_number(usual):
    shown = texts(figures.flow(usual))
    follows = dict(pairwise(shown))
    assert follows["records"] == "107,167"
    assert follows["alpaca_zh"] == "52,002"
    assert follows["smile"] == "55,165"
    assert follows["read"] == "107,050 go on"
    assert follows["no_answer"] == "–117"
    assert follows["clean"] == "all pass"
    assert follows["rule_14"] == "–14"
    assert follows["6 other reasons"] == f"–{1 + 2 + 3 + 4 + 5 + 6}"
    assert follows["near_duplicate"] == "–1"
    assert follows["kept"] == "105,685 (98.6 %)"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_the_flow_accounts_for_every_drop(dropped):
    total = sum(dropped) + 1
    reasons = {f"reason_{i}": count for i, count in enumerate(dropped)}
    figure = figures.flow(build([("a", total, 0, 1)], [("read", reasons)]))
    lost = [int(t[1:].replace(",", "")) for t in texts(figure) if t.startswith("–")]
    assert sum(lost) == sum(dropped)


def test_bands_are_as_wide_as_their_counts(usual):
    """The river's pieces: 150 units are all records."""
    root = ET.fromstring(figures.flow(usual).svg)
    river = [float(node.get("width")) for node in root.iter(SVG + "rect")]
    assert river == pytest.approx(
        [150 * n / 107167 for n in (107050, 107050, 106945, 105685, 105685)], abs=0.01
    )


def test_the_rounds_are_those_of_the_statistics(usual):
    shown = texts(figures.rounds(usual))
    for row in usual.rounds:
        at = shown.index(row.source) + (1 if row.of == "raw" else 4)
        word = "read" if row.of == "raw" else "kept"
        assert shown[at : at + 3] == [word, number(row.single), number(row.multi)]
    kept = [row for row in usual.rounds if row.of == "result"]
    totals = [number(sum(r.single for r in kept)), number(sum(r.multi for r in kept))]
    assert shown[-2:] == totals


def test_the_topics_are_those_of_the_statistics(usual):
    shown = texts(figures.categories(usual))
    rows = {shown[i]: shown[i + 1] for i in range(0, len(shown), 3)}
    assert rows == {name: number(n) for name, n in usual.categories.items()}
    assert shown[-3] == "Other"


@pytest.mark.parametrize("measure", ["characters", "tokens", "quality"])
def test_the_histograms_are_those_of_the_statistics(usual, measure):
    notes = "\n".join(tooltips(figures.spread(usual, measure)))
    found = re.findall(r": ([\d,]+) before, ([\d,]+) after", notes)
    chosen = [h for h in usual.histograms if h.measure == measure]
    expected = [
        (number(before), number(after))
        for raw, result in zip(chosen[::2], chosen[1::2], strict=True)
        for before, after in zip(raw.counts, result.counts, strict=True)
        if before or after
    ]
    assert found == expected


def test_the_threshold_stands_where_its_value_lies(usual):
    def line(limit):
        root = ET.fromstring(figures.spread(usual, "quality", ("min_score", limit)).svg)
        lines = [p.get("d") for p in root.iter(SVG + "path") if p.get("class") == "d-limit"]
        return [float(re.match(r"M([\d.]+)", d)[1]) for d in lines]

    low, middle, high = (line(limit) for limit in (0.4, 0.5, 0.525))
    assert len(low) == len(middle) == len(high) == 2
    assert middle[0] - low[0] == pytest.approx(4 * (high[0] - middle[0]), abs=0.05)
    assert "min_score 0.5" in texts(figures.spread(usual, "quality", ("min_score", 0.5)))
    assert not line(-1)


def test_one_value_is_told_in_a_line(usual):
    only = [
        t.model_copy(update={"counts": {"zh": 7 if t.of == "raw" else 5}}) for t in usual.tallies
    ]
    figure = figures.shares(usual.model_copy(update={"tallies": only}), "language")
    assert texts(figure).count("zh 7 → 5") == 2
    assert "before" not in texts(figure)


def test_shares_tell_before_and_after_even_of_the_rare(usual):
    shown = " · ".join(texts(figures.shares(usual, "script")))
    for value in ("Hans", "Hant", "mixed"):
        for name in ("alpaca_zh", "smile"):
            before, after = (
                tally.counts[value]
                for tally in usual.tallies
                if (tally.source, tally.column) == (name, "script")
            )
            assert f"{value} {number(before)} → {number(after)}" in shown


def test_rare_values_are_grouped(usual):
    shown = " · ".join(texts(figures.shares(usual, "language")))
    assert shown.count("other 3 → 3") == 2  # 1 and 2 of the two rarest of eight
    assert "en 1 →" not in shown


def test_the_overlap_has_a_number_in_every_cell(crowded, usual):
    cells = [note for note in tooltips(figures.overlap(usual)) if " with " in note]
    found = [int(re.search(r": ([\d,]+) \(", note)[1].replace(",", "")) for note in cells]
    assert found == [cell.clustered for cell in usual.overlap]
    assert len(re.findall("d-heat", figures.overlap(crowded).svg)) == 10 * 10 + 5
    assert "not shown, with less in common: 2" in texts(figures.overlap(crowded))


def test_long_names_are_cut_and_told_whole(crowded):
    name = crowded.sources[0].source
    for figure in drawn(crowded):
        if figure.name == "categories":
            continue
        assert name in tooltips(figure) or f"1 {name}" in tooltips(figure), figure.name
        assert any(text.endswith("…") for text in texts(figure))


def test_pictures_are_png_and_always_the_same(statistics):
    for figure in drawn(statistics)[::3]:
        one = figures.png(figure)
        assert one == figures.png(figure)
        width, height, pixels = decoded(one)
        assert width == 756  # (480 + 2 margins + 2 frames) * 1.5
        assert height > 50
        assert pixels[:4] == b"\xff\xff\xff\xff"
        assert len(set(pixels)) > 3, "an empty picture"


def test_pictures_of_a_usual_run_are_small(usual):
    for figure in drawn(usual):
        assert len(figures.png(figure)) < 150_000, figure.name


def decoded(data):
    """Width, height and the first line's beginning of a PNG of four bytes a pixel."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    place, stream = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[place + 8 + length :][:4])[0]
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
            assert (depth, colour) == (8, 6)
        stream += body if kind == b"IDAT" else b""
        place += 12 + length
    pixels = zlib.decompress(stream)
    assert len(pixels) == height * (1 + 4 * width)
    return width, height, pixels[1:]


def test_the_width_table_is_the_fonts():
    tt = pytest.importorskip("fontTools.ttLib")
    for name, advances in (("DejaVuSans.ttf", REGULAR), ("DejaVuSans-Bold.ttf", BOLD)):
        font = tt.TTFont(FONT / name)
        glyphs = font.getBestCmap()
        assert {*glyphs} == {ord(c) for c in CHARACTERS}
        assert [font["hmtx"][glyphs[ord(c)]][0] for c in CHARACTERS] == list(advances)
    assert sum(path.stat().st_size for path in FONT.glob("*.ttf")) < 60_000


def test_the_font_brings_its_licence():
    text = (FONT / "LICENSE").read_text(encoding="utf-8")
    assert "Bitstream Vera Fonts Copyright" in text


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_can_be_told_from_the_paper(theme):
    pages = (Path(figures.__file__).parents[1] / "pages" / "style.css").read_text()
    papers = re.findall(r"--paper: (#\w{6})", pages)
    paper = papers[theme is DARK]
    for below in (theme["paper"], paper, *(theme[heat] for heat in HEAT)):
        assert contrast(theme["text"], below) >= 4.5
    for below in (theme["paper"], paper):
        assert contrast(theme["soft"], below) >= 4.5
        for mark in ("kept", "lost", *SERIES):
            assert contrast(theme[mark], below) >= 3, mark
    assert theme.keys() == LIGHT.keys()


def test_text_on_a_phone_is_ten_pixels_high(usual):
    """A page of 360 px with margins of 16 px."""
    for figure in drawn(usual):
        _, _, width, _ = map(float, ET.fromstring(figure.svg).get("viewBox").split())
        assert FONT_SIZE * 328 / width > 10


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((0, "0"), (950, "950"), (999, "999"), (1000, "1k"), (1500, "1.5k"), (9960, "10k")),
        *((176678, "177k"), (999_600, "1M"), (2_000_000, "2M"), (12_345_678_901, "12G")),
    ],
)
def test_short_numbers(value, written):
    assert short(value) == written


def test_numbers_for_people():
    assert number(176678) == "176,678"
    assert [edge(v) for v in (0, 1, 512, 1024, 65536, 2**20, 0.05, 1000)] == (
        ["0", "1", "512", "1,024", "65,536", "1,048,576", "0.05", "1,000"]
    )
    assert [step(v) for v in (1, 4, 9, 10, 390, 176678)] == [1, 2, 5, 10, 200, 100000]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_share_is_rounded_to_nothing_or_all(part, rest):
    shown = percent(part / max(part + rest, 1))
    assert (shown == "0 %") == (part == 0)
    assert (shown == "100 %") == (rest == 0 and part > 0)


@given(st.text())
def test_labels_are_of_the_fonts_characters(value):
    assert set(label(value)) <= set(CHARACTERS)


@given(st.text(CHARACTERS), st.floats(20, 500))
def test_a_shortened_label_fits(value, room):
    assert measured(shortened(value, room)) <= room
