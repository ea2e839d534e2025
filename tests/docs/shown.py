"""`python -m tests.docs.shown` writes the files of docs/examples anew into the pages that show them.

A page shows a file as a block of code below a comment with the file's path, so that it can be read on a code host too.
"""

import re

from tests.docs.pages import DOCS, PAGES, SHOWN


def renewed(text):
    """The text of a page, with each file as it is now."""
    return SHOWN.sub(_block, text)


def _block(found):
    code = (DOCS / found["path"]).read_text(encoding="utf-8")
    return f"<!-- {found['path']} -->\n```{found['language']}\n{code}```"


def files(text):
    """The files that a page shows, with the code that it shows of each."""
    return [(found["path"], found["code"]) for found in SHOWN.finditer(text)]


def marked(text):
    """The files that a page names in such a comment."""
    return re.findall(r"<!-- (examples/\S+) -->", text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
