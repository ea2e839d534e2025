"""The table of all verdicts. A library that is not installed is shown as that, never as failed."""

import json
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

from .cases import CASES
from .libraries import LIBRARIES

ABSENT = "not installed"


def version_of(library):
    """Its version, or None where it is not installed."""
    try:
        return metadata.version(library.distribution)
    except metadata.PackageNotFoundError:
        return None


def column(name):
    """The verdicts on a library, by the titles of the cases. A separate process finds them."""
    if version_of(LIBRARIES[name]) is None:
        return dict.fromkeys(CASES, ABSENT)
    command = [sys.executable, "-m", "tests.ambient.peers", "--library", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=600, check=True)
    return json.loads(done.stdout)


def lines():
    """Markdown, line by line: the table, then what was probed."""
    with ThreadPoolExecutor() as pool:
        columns = dict(zip(LIBRARIES, pool.map(column, LIBRARIES), strict=True))
    yield f"| case | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for title in CASES:
        yield f"| {title} | {' | '.join(verdicts[title] for verdicts in columns.values())} |"
    yield ""
    yield f"On CPython {platform.python_version()}:"
    yield ""
    for name, library in LIBRARIES.items():
        yield f"- {name} {version_of(library) or ABSENT}: {library.api}"
