"""Notes: which tests may notice that a line was changed, by what `record.py` noted."""

import ast
import json
from pathlib import Path

from coverage import CoverageData

SLOW = 3.0  # seconds; a test that took longer is left out
FIRST = 60


class Notes:
    def __init__(self, folder):
        self._data = CoverageData(Path(folder, "coverage"))
        self._data.read()
        took = json.loads(Path(folder, "seconds.json").read_text())
        self._seconds = {test: spent for test, spent in took.items() if spent < SLOW}

    def turns(self, path, line, budget):
        """Two lists of tests: the quick ones that are nearest to the line; then others, of `budget` seconds in all.

        Those that run the line come before those that only run its file. Nearest is what lies in the package's folder.
        """
        measured = next((one for one in self._data.measured_files() if one.endswith(f"/{path}")), path)
        by_line = self._data.contexts_by_lineno(measured)
        of_file = {test for tests in by_line.values() for test in tests if test in self._seconds}
        lines = lines_of_statement(Path(path).read_text(), line)
        of_line = of_file if lines is None else {test for one in lines for test in by_line.get(one, ())}
        near = f"tests/{Path(path).parts[1].lstrip('_')}/"
        ranked = sorted(
            of_file, key=lambda test: (test not in of_line, not test.startswith(near), self._seconds[test], test)
        )
        first = [test for test in ranked if test.startswith(near)][: FIRST // 2]
        first += [test for test in ranked if test not in first][: FIRST // 2]
        rest, spent = [], 0.0
        for test in ranked:
            spent += self._seconds[test]
            if spent <= budget and test not in first:
                rest.append(test)
        return first, rest


def lines_of_statement(source, line):
    """The lines of the innermost statement there; of one with a body, those of its head. None if an import runs it."""
    lines, is_called = [line], False
    for node in ast.walk(ast.parse(source)):  # outer ones come first
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno:
            body = getattr(node, "body", None)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                is_called = line >= body[0].lineno
            end = node.end_lineno if not body else max(node.lineno, body[0].lineno - 1)
            lines = [line, *range(node.lineno, end + 1)]
    return lines if is_called else None
