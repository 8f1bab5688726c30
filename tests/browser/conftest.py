"""A corpus that is open, and a client of its pages."""

import pytest
from browsable import client_of, make

from curation.browser.library import Shelf
from curation.browser.view import parse


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A corpus made with the default stages."""
    return make(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="session")
def shelf(corpus):
    return Shelf(corpus)


@pytest.fixture(scope="session")
def library(shelf):
    return shelf.library()


@pytest.fixture(scope="session")
def client(shelf):
    return client_of(shelf)


@pytest.fixture(scope="session")
def record_with(library):
    """The id of the first record, in input order, with a text in a message or an outcome."""

    def found(term="", **filters):
        return library.index.id(int(library.selection(parse({"q": term, **filters})).rows[0]))

    return found
