"""The numbered guarantees of delivery, and the tests that each of them names."""

import re

from tests.docs.pages import DOCS, ROOT

GUARANTEE = re.compile(r"^(\d+)\. (.+?)(?=^\d+\. |^## |\Z)", re.MULTILINE | re.DOTALL)
GUARANTEES = {
    int(number): text
    for number, text in GUARANTEE.findall((DOCS / "reference/guarantees.md").read_text(encoding="utf-8"))
}
ROW = re.compile(r"\": (\w+)\.\w+,$", re.MULTILINE)
"""A row of the fault matrix, with the module that has it."""


def test_each_guarantee_names_its_tests():
    named = {number: re.findall(r"`(tests/\S+?\.py)`", text) for number, text in GUARANTEES.items()}
    assert list(named) == list(range(1, len(named) + 1))
    assert {number for number, paths in named.items() if not paths} == set(), "these have no tests"
    assert {path for paths in named.values() for path in paths if not (ROOT / path).is_file()} == set(), "not there"


def test_each_row_of_the_fault_matrix_belongs_to_a_guarantee():
    text = "".join(GUARANTEES.values())
    modules = set(ROW.findall((ROOT / "tests/faults/matrix.py").read_text(encoding="utf-8")))
    assert modules
    assert {module for module in modules if f"`tests/faults/{module}.py`" not in text} == set()
