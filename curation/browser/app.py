"""URLs, answers and headers. GET only, no cookie, no script, nothing from anywhere else."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from curation.browser.library import Library, Shelf
from curation.browser.listing import clusters, listing, overview
from curation.browser.record import record
from curation.browser.view import parse, spoken
from curation.pages import STYLE, environment, policy
from schemas.corpus import REPORT
from schemas.errors import AuroraError

#: A page of another site that resolves to this machine is not answered (DNS rebinding).
HOSTS = ["127.0.0.1", "localhost", "[::1]"]
_STYLE = STYLE + (files("curation.browser") / "style.css").read_text(encoding="utf-8")
_POLICY = policy(_STYLE, forms=True)
_HEADERS = {
    "Content-Security-Policy": policy(_STYLE, forms=True, header=True),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: The report has a policy of its own; whatever it says, no script of it runs here.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)

Page = Callable[[Library, Request], Response]


class Browser:
    """The pages of one corpus directory."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._templates = environment("curation.browser", "templates")
        self._templates.filters["spoken"] = spoken

    def app(self) -> Starlette:
        """The application."""
        pages = {
            "/": self._overview,
            "/records": self._records,
            "/clusters": self._clusters,
            "/record/{id}": self._record,
            "/report": self._report,
        }
        return Starlette(
            routes=[Route(path, self._open(page), methods=["GET"]) for path, page in pages.items()],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
            exception_handlers={
                HTTPException: self._refused,
                AuroraError: self._unfinished,
                Exception: self._defect,
            },
        )

    def _open(self, page: Page) -> Callable[[Request], Response]:
        """A page as an endpoint: in a thread, on the corpus as it is at that moment."""

        def endpoint(request: Request) -> Response:
            if _is_foreign(request):
                raise HTTPException(403, "Another web site asked for this page.")
            return page(self._shelf.library(), request)

        return endpoint

    def _overview(self, library: Library, _request: Request) -> Response:
        return self._page(library, "overview", "Overview", overview(library))

    def _records(self, library: Library, request: Request) -> Response:
        view = parse(request.query_params)
        return self._page(library, "records", "Records", listing(library, view))

    def _clusters(self, library: Library, request: Request) -> Response:
        page = parse({"page": request.query_params.get("page", "")}).page
        return self._page(library, "clusters", "Clusters", clusters(library, page))

    def _record(self, library: Library, request: Request) -> Response:
        identity = request.path_params["id"]
        place = library.index.find(identity)
        if place is None:
            raise HTTPException(404, f"This corpus has no record “{identity[:100]}”.")
        view, whole = parse(request.query_params), request.query_params.get("all") == "1"
        found = record(library, place, view, whole)
        return self._page(library, "record", identity, found)

    def _report(self, _library: Library, _request: Request) -> Response:
        path = self._shelf.directory / REPORT
        if not path.is_file():
            raise HTTPException(404, "This corpus has no report; `curate report DIR` makes it.")
        headers = {**_HEADERS, "Content-Security-Policy": _REPORT_POLICY}
        return FileResponse(path, media_type="text/html", headers=headers)

    def _page(
        self,
        library: Library | None,
        template: str,
        title: str,
        shown: dict[str, Any],
        status: int = 200,
    ) -> Response:
        corpus = library.manifest.recipe.name if library else ""
        body = self._templates.get_template(f"{template}.html.jinja").render(
            title=f"{title} · {corpus}" if corpus else title,
            style=Markup(_STYLE),  # noqa: S704  (ours)
            policy=_POLICY,
            corpus=corpus,
            here=title,
            pages_of_all=self._pages(),
            **shown,
        )
        return HTMLResponse(body, status, _HEADERS)

    def _pages(self) -> list[tuple[str, str]]:
        pages = [("Overview", "/"), ("Records", "/records"), ("Clusters", "/clusters")]
        return pages + [("Report", "/report")] * (self._shelf.directory / REPORT).is_file()

    def _problem(self, status: int, heading: str, sentence: str) -> Response:
        shown = {"heading": heading, "sentence": sentence}
        return self._page(None, "problem", heading, shown, status)

    async def _refused(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  (as registered)
        sentences = {404: "There is no such page.", 405: "Pages can only be read."}
        sentence = error.detail if " " in error.detail and error.detail.endswith(".") else ""
        heading = "Not found" if error.status_code == 404 else "Not possible"
        known = sentences.get(error.status_code, "This cannot be answered.")
        return self._problem(error.status_code, heading, sentence or known)

    async def _unfinished(self, _request: Request, error: Exception) -> Response:
        return self._problem(503, "The corpus is not there", f"{error}.")

    async def _defect(self, _request: Request, _error: Exception) -> Response:
        sentence = "This page could not be made; the terminal says more. Please report it."
        return self._problem(500, "A defect", sentence)


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site asks, other than by a link that a person follows.

    It could not read the answer, but measure how long a search takes.
    """
    of = {name: request.headers.get(f"sec-fetch-{name}", "") for name in ("site", "mode", "dest")}
    followed = of["mode"] == "navigate" and of["dest"] == "document"
    return of["site"] in ("cross-site", "same-site") and not followed
