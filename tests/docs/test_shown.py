"""Pages show their code, on a code host as on the site, and it is the code of the examples that are tested."""

import pytest

from tests.docs.pages import DOCS, PAGES, name_of
from tests.docs.shown import files, marked

SET_UP = {"__init__", "manage", "models", "settings"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_shows_the_files_of_its_examples_as_they_are(page):
    text = page.read_text(encoding="utf-8")
    shown = files(text)
    assert [path for path, _ in shown] == marked(text), "the block of code follows the comment at once"
    for path, code in shown:
        assert code == (DOCS / path).read_text(encoding="utf-8"), "run `python -m tests.docs.shown`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_has_an_include_mark(page):
    """A code host shows the mark in place of the code."""
    assert "--8<--" not in page.read_text(encoding="utf-8")


def test_no_file_of_an_example_is_left_out_of_the_pages():
    """Its definitions and Django's set-up may be; a service, a program and their tests are what a reader came for."""
    shown = {path for page in PAGES for path in marked(page.read_text(encoding="utf-8"))}
    programs = {
        path.relative_to(DOCS).as_posix()
        for path in (DOCS / "examples").rglob("*.py")
        if path.stem not in SET_UP and path.parent.name != "migrations"
    }
    assert programs
    assert programs - shown == set()
