"""The numbered rules of the ambient API, and the tests that have these numbers in their names."""

import re

from tests.docs.pages import DOCS, ROOT

RULE = re.compile(r"^(\d+)\. (.+?)(?=^\d+\. |^## |\Z)", re.MULTILINE | re.DOTALL)
RULES = {int(number): text for number, text in RULE.findall((DOCS / "reference/rules.md").read_text(encoding="utf-8"))}


def test_each_rule_has_tests_and_each_numbered_test_has_its_rule():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    numbered = {int(number) for source in sources for number in re.findall(r"def test_rule_(\d+)_", source)}
    elsewhere = {rule: re.findall(r"`(tests/\S+\.py)`", text) for rule, text in RULES.items()}
    assert list(RULES) == list(range(1, len(RULES) + 1))
    assert numbered <= RULES.keys(), "name a test after a rule of docs/reference/rules.md"
    assert {rule for rule in RULES if rule not in numbered and not elsewhere[rule]} == set(), "these have no tests"
    assert all((ROOT / path).is_file() for paths in elsewhere.values() for path in paths)
