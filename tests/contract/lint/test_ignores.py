"""Comments and settings say which findings count."""

import pytest

from bc_events import ConfigurationError
from bc_events.contract.lint.file_findings import file_findings
from bc_events.contract.lint.ignores import not_ignored
from bc_events.contract.lint.rule import OPEN_OBJECT
from bc_events.contract.lint.settings import LintSettings, read_settings

FILE = """\
DefaultCategory: policies
Topics:
  - Action: Create{own}
    Entity: Policy
    Description: A quote became a policy.{above}
    Schema: {{type: object, properties: {{}}, format: uuidd}}
"""


def names(tmp_path, **comments):
    text = FILE.format(**{"own": "", "above": "", **comments})
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    return [finding.rule.name for finding in not_ignored(file_findings(file, LintSettings()), text)]


def test_without_a_comment_all_count(tmp_path):
    assert names(tmp_path) == ["present-tense", "unknown-format"]


def test_a_comment_on_a_line_accepts_findings_of_that_line(tmp_path):
    assert names(tmp_path, own="  # lint: ignore[present-tense]") == ["unknown-format"]
    assert names(tmp_path, own="  # why # lint:ignore[ present-tense , open-object ]") == ["unknown-format"]


def test_a_comment_above_accepts_findings_of_the_next_line(tmp_path):
    assert names(tmp_path, above="\n    # lint: ignore[unknown-format]") == ["present-tense"]
    both = "\n    # lint: ignore[unknown-format]\n    # lint: ignore[open-object]"
    assert names(tmp_path, above=both) == ["present-tense"]


def test_a_comment_accepts_no_other_rule_and_no_other_line(tmp_path):
    assert len(names(tmp_path, own="  # lint: ignore[unknown-format]")) == 2
    assert len(names(tmp_path, above="  # lint: ignore[unknown-format]")) == 2


def test_a_comment_that_names_no_rule_is_an_error(tmp_path):
    with pytest.raises(
        ConfigurationError, match="line 3 ignores 'present-tens', which is no rule; did you mean present-tense"
    ):
        names(tmp_path, own="  # lint: ignore[present-tens]")


def test_pyproject_gives_rules_another_severity(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.bc_events.lint.severity]\nopen-object = "error"\n')
    (tmp_path / "below").mkdir()
    assert read_settings(tmp_path / "below").severity(OPEN_OBJECT) == "error"
    assert LintSettings().severity(OPEN_OBJECT) == "warning"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[tool.bc_events.lint.severity]\nopen-objects = 'off'",
            "open-objects, which is not known; did you mean open-object?",
        ),
        (
            "[tool.bc_events.lint.severity]\nopen-object = 'of'",
            "severity of open-object .* is 'of'; give error, warning",
        ),
        ("[tool.bc_events.lint]\nseverities = {}", "severities, which is not known; did you mean severity?"),
        ("[tool.bc_events]\nlint = 1", "tool.bc_events.lint in .* is an int; make it a table"),
        ("[tool.bc_events.lint]\nseverity = 'off'", "is a str; give rules with severities"),
        ("[tool", "is not TOML that can be read"),
    ],
)
def test_mistakes_in_pyproject_are_named(tmp_path, text, told):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        read_settings(tmp_path)


def test_a_pyproject_of_others_changes_nothing(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nlint = 1\n")
    assert read_settings(tmp_path) == LintSettings()
