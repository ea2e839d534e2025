"""Each rule has a file that breaks it and one that does not."""

from pathlib import Path

import pytest

from bc_events.contract.lint.file_findings import file_findings
from bc_events.contract.lint.rule import RULES
from bc_events.contract.lint.settings import LintSettings

DOCS = Path(__file__).parents[3] / "docs"
EVERYTHING = LintSettings({rule.name: "warning" for rule in RULES.values() if rule.severity == "off"})
SCHEMA = """\
      type: object
      required: [id]
      additionalProperties: false
      properties:
        id: {type: string, description: The number of the policy.}
"""


def topic(schema=SCHEMA, **keys):
    """A file with one topic that breaks no rule, or with other keys or another schema."""
    words = {"Action": "Created", "Entity": "Policy", "Description": "A quote became a policy.", **keys}
    written = "".join(f"    {key}: {value}\n" for key, value in words.items() if value)
    return f"DefaultCategory: policies\nTopics:\n  -\n{written}    Schema:\n{schema}"


def schema(properties, required="id"):
    return (
        f"      type: object\n      required: [{required}]\n      additionalProperties: false\n      properties:\n"
        + ("".join(f"        {line}\n" for line in properties.splitlines()))
    )


ANY_OBJECT = '{$ref: "#/$defs/a", $defs: {a: {type: object}}}'
TWO_CATEGORIES = f"""\
DefaultCategory: policies
Topics:
  - {{Action: Sent, Entity: Mail, Description: One., Category: claims, Schema: {ANY_OBJECT}}}
  - {{Action: Sent, Entity: Mail, Description: Two., Category: billing, Schema: {ANY_OBJECT}}}
"""
ID = "id: {type: string, description: A}\n"
NAMES = "".join(f"a_{n}: {{type: string, description: A}}\n" for n in range(4))
BROKEN_AND_WELL = {
    "invalid": (topic(Action="created"), topic()),
    "undeclared-required": (topic(schema(ID, "id, name")), topic(schema(ID, "id"))),
    "failing-example": (
        topic(schema("id: {type: string, description: A, examples: [1]}")),
        topic(schema("id: {type: string, description: A, examples: [a], default: b}")),
    ),
    "unknown-format": (
        topic(schema("id: {type: string, description: A, format: uuidd}")),
        topic(schema("id: {type: string, description: A, format: uuid}")),
    ),
    "unchecked-data": (topic("      true\n"), topic()),
    "untyped": (
        topic(schema("id: {description: A, minLength: 3}")),
        topic(schema("id: {description: A, enum: [a, b]}")),
    ),
    "open-object": (topic(SCHEMA.replace("      additionalProperties: false\n", "")), topic()),
    "ambiguous-name": (TWO_CATEGORIES, TWO_CATEGORIES.replace("Category: billing, ", "")),
    "present-tense": (topic(Action="Create"), topic(Action="Sent")),
    "undocumented-topic": (topic(Description=""), topic()),
    "mixed-case": (
        topic(schema(f"{ID}{NAMES}anOther: {{type: string, description: A}}")),
        topic(schema(f"{ID}{NAMES}another: {{type: string, description: A}}")),
    ),
    "unused-definition": (
        topic(f"{SCHEMA}      $defs: {{part: {{type: string}}}}\n"),
        topic(schema('id: {description: A, $ref: "#/$defs/part"}') + "      $defs: {part: {type: string}}\n"),
    ),
    "python-keyword": (
        topic(schema("class: {type: string, description: A}", "class")),
        topic(schema("kind: {type: string, description: A}", "kind")),
    ),
    "redundant-category": (topic(Category="policies"), topic(Category="claims")),
    "single-type-list": (
        topic(schema("id: {type: [string], description: A}")),
        topic(schema('id: {type: [string, "null"], description: A}')),
    ),
    "untrimmed-description": (
        topic(schema('id: {type: string, description: " A"}')),
        topic(schema("id:\n  type: string\n  description: |\n    A\n")),
    ),
    "undocumented-key": (topic(schema("id: {type: string}")), topic()),
}


def findings(tmp_path, text, settings=EVERYTHING):
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    return file_findings(file, settings)


def test_every_rule_is_tried_here():
    assert BROKEN_AND_WELL.keys() == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_a_file_that_breaks_a_rule_breaks_that_one_alone(tmp_path, name):
    found = findings(tmp_path, BROKEN_AND_WELL[name][0])
    assert {finding.rule.name for finding in found} == {name}
    assert all(finding.line for finding in found)


@pytest.mark.parametrize("name", RULES)
def test_a_file_that_keeps_a_rule_breaks_none(tmp_path, name):
    assert findings(tmp_path, BROKEN_AND_WELL[name][1]) == []


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_in_the_reference_with_its_severity(name):
    page = (DOCS / "reference" / "lint-rules.md").read_text(encoding="utf-8")
    assert f"### {name}\n\n{RULES[name].severity.capitalize()}. {RULES[name].summary}" in page


@pytest.mark.parametrize("word", ["Created", "Sent", "Withdrawn", "Underwritten", "Paid", "Reset"])
def test_past_forms(tmp_path, word):
    assert findings(tmp_path, topic(Action=word)) == []


@pytest.mark.parametrize("word", ["Create", "Need", "Feed", "Creating", "Pending", "Send"])
def test_other_forms(tmp_path, word):
    assert [finding.rule.name for finding in findings(tmp_path, topic(Action=word))] == ["present-tense"]


def test_a_part_that_aliases_bring_to_several_topics_is_reported_once(tmp_path):
    text = topic(schema("id: &id {type: string, description: A, format: uuidd}")) + (
        "  - Action: Renewed\n    Entity: Policy\n    Description: Again.\n    Schema:\n" + schema("id: *id")
    )
    assert [finding.rule.name for finding in findings(tmp_path, text)] == ["unknown-format"]


def test_an_example_may_rely_on_definitions_of_the_whole_schema(tmp_path):
    part = (
        schema('id: {description: A, $ref: "#/$defs/word", examples: [%s]}') + "      $defs: {word: {type: string}}\n"
    )
    assert findings(tmp_path, topic(part % "a")) == []
    (found,) = findings(tmp_path, topic(part % "1"))
    assert (found.path, found.line) == ("/properties/id/examples/0", 12)
    assert found.message == 'it fails its own schema: 1 is not of type "string"'


def test_schemas_that_share_a_value_are_judged_together(tmp_path):
    parts = """\
      allOf:
        - {properties: {name: {type: string, description: A}}, required: [id]}
      type: object
      additionalProperties: true
      properties: {id: {type: string, description: A}}
"""
    assert findings(tmp_path, topic(parts)) == []
