"""The pages of the documentation, and their examples."""

import doctest
import re
from pathlib import Path

from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "examples/tutorial"
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "examples" not in page.parts)]

SHOWN = re.compile(
    r"^<!-- (?P<path>examples/\S+) -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A file of the examples as a page shows it. It has tests as a file, and is not pasted from the page."""
_python = PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS)


def name_of(page):
    return str(page.relative_to(ROOT))


def examples_of(page):
    """The Python blocks of a page in order, except files that have their own tests. They share one namespace."""
    text = page.read_text(encoding="utf-8")
    shown = [
        range(text.count("\n", 0, found.start()), text.count("\n", 0, found.end())) for found in SHOWN.finditer(text)
    ]
    return [
        example
        for example in Document.parse(str(page), _python)
        if not any(example.line - 1 in lines for lines in shown)
    ]
