"""A reader who searches for a class finds one, in a short file: no name is shared, and no file is long."""

import ast
from collections import defaultdict
from pathlib import Path

import bc_events

ROOT = Path(bc_events.__file__).parent
ONE_FOR_EACH_FRAMEWORK = {"EventsMiddleware"}
"""Its users import it from the module of their framework."""
NAMES_OF_DJANGO = {"Command", "Meta", "Migration"}
"""Django finds these by their names."""


def test_two_classes_never_share_a_name():
    """`_Savepoints` and `Savepoints` count as one name: they are read and searched for as one."""
    places = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{path.relative_to(ROOT.parent)}:{node.lineno}")
    allowed = ONE_FOR_EACH_FRAMEWORK | NAMES_OF_DJANGO
    shared = {name: found for name, found in places.items() if len(found) > 1 and name not in allowed}
    advice = "name each for what it alone is (SQLiteTransaction, DjangoTransaction), or say here why both have one name"
    assert not shared, "\n".join(
        [f"{len(shared)} class names are in several places; {advice}:", *(f"  {k}: {v}" for k, v in shared.items())]
    )


def test_no_file_has_more_than_250_lines():
    """A file is about one noun. One that grows beyond this has a second one in it."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    long = {str(path.relative_to(ROOT.parent)): length for path, length in lengths.items() if length > 250}
    assert lengths
    assert not long, f"find the second noun in each, and give it a file: {long}"
