"""Templates whose every value is harmless, and a policy under which nothing could run anyway.

Corpus text is hostile. Three walls stand between it and a reader: `printable` writes out control,
direction and invisible characters, autoescaping turns the rest into text, and the policy of the
page refuses scripts, requests and foreign styles even where both would fail.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from curation.text.numbers import number, percent
from curation.text.printable import printable

#: The style sheet of all pages: typography, tables, light and dark, phone and print.
STYLE = (files("curation.pages") / "style.css").read_text(encoding="utf-8")

_HAN, _KANA = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[\u3040-\u30ff]")
_NOTHING, _ITSELF = "'none'", "'self'"


@cache  # templates compile once a process
def environment(package: str, folder: str) -> jinja2.Environment:
    """An environment for the templates in `folder` of `package`, and those of `curation/pages`.

    Beside Jinja's own there are the filters `number` (1,234) and `percent` (12.3 %), and the test
    `chinese`, for the attribute lang.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, folder), jinja2.PackageLoader("curation", "pages")]
        ),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    made.filters["percent"] = percent
    made.tests["chinese"] = is_chinese
    return made


def policy(*inline_styles: str, forms: bool = False, header: bool = False) -> str:
    """The Content-Security-Policy of a page whose `<style>` elements hold just `inline_styles`.

    forms: the page has forms, which may be sent to where it came from. header: it is for an HTTP
    header; a `<meta>` tag does not know `frame-ancestors`.
    """
    hashes = [f"'sha256-{_digest(style)}'" for style in inline_styles]
    rules = [
        f"default-src {_NOTHING}",
        f"style-src {' '.join(hashes or [_NOTHING])}",
        "img-src data:",
        f"base-uri {_NOTHING}",
        f"form-action {_ITSELF if forms else _NOTHING}",
        *[f"frame-ancestors {_NOTHING}"] * header,
    ]
    return "; ".join(rules)


def is_chinese(text: str) -> bool:
    """Whether a text is to be drawn in Chinese letters: it has Han and no kana."""
    return bool(_HAN.search(text)) and not _KANA.search(text)


def _finalize(value: Any) -> Any:
    # What is marked as HTML was made by a template or a figure of ours.
    return value if hasattr(value, "__html__") else printable(value)


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
