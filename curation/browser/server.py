"""The pages on a port of this machine, and of no other."""

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from curation.browser.app import Browser
from curation.browser.library import Shelf
from schemas.errors import RecipeError

ADDRESS, PORT = "127.0.0.1", 8765
#: Ports that are tried after the first, where none was asked for.
_FURTHER = 20


def serve(
    directory: Path, port: int | None, tell: Callable[[str], None], *, show: bool = False
) -> None:
    """Serve the pages of a corpus until Ctrl-C; `tell` gets the URL. show: open it in a browser.

    port: 0 for any; None for the first free from 8765 on. Raises CorpusError where there is no
    corpus, RecipeError where the port is taken.
    """
    shelf = Shelf(directory)
    with listen(port) as listening:
        shelf.library()  # before the URL is told: the first page is there at once
        url = f"http://{ADDRESS}:{listening.getsockname()[1]}/"
        tell(url)
        if show:
            webbrowser.open(url)
        config = uvicorn.Config(
            Browser(shelf).app(),
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=2,
        )
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            return


def listen(port: int | None) -> socket.socket:
    """A socket that listens on the loopback address. Raises RecipeError where none can."""
    ports = range(PORT, PORT + _FURTHER) if port is None else [port]
    for one in ports:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, one))
            listening.listen()
        except OSError as error:
            listening.close()
            reason = error.strerror
        else:
            return listening
    raise RecipeError(
        f"--port: {ports[0]} of {ADDRESS} cannot be used ({reason}); `--port 0` takes a free one"
    )
