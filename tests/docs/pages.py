"""The pages of the documentation, and their examples."""

import doctest
from pathlib import Path

from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "examples/tutorial"
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "examples" not in page.parts)]

_python = PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS)


def name_of(page):
    return str(page.relative_to(ROOT))


def examples_of(page):
    """Its Python blocks in order; they share one namespace."""
    return list(Document.parse(str(page), _python))
