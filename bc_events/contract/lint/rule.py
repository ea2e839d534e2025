"""The rules, and how much each weighs by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning", "info", "off"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info", "off")
"""From the gravest on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `summary` says what it finds; `is_fixable`, whether `--fix` can mend that."""

    name: str
    severity: Severity
    summary: str
    is_fixable: bool = False


INVALID: Final = Rule("invalid", "error", "The file has a mistake, and no client would read it.")
UNDECLARED_REQUIRED: Final = Rule(
    "undeclared-required", "error", "A key is required, but the schema does not say what it is."
)
FAILING_EXAMPLE: Final = Rule("failing-example", "error", "An example or default does not satisfy its own schema.")
UNKNOWN_FORMAT: Final = Rule("unknown-format", "warning", "A format is not checked, so any text passes.")
UNCHECKED_DATA: Final = Rule("unchecked-data", "warning", "The schema of a topic accepts any data.")
UNTYPED: Final = Rule("untyped", "warning", "A schema has keywords of one type, but no `type`: other types pass.")
OPEN_OBJECT: Final = Rule(
    "open-object", "warning", "An object does not say whether it may have other keys (`additionalProperties`)."
)
AMBIGUOUS_NAME: Final = Rule(
    "ambiguous-name", "warning", "A magic call could mean topics of several categories, so it is refused."
)
PRESENT_TENSE: Final = Rule("present-tense", "warning", "An action does not say that something has happened.")
UNDOCUMENTED_TOPIC: Final = Rule("undocumented-topic", "warning", "A topic has no `Description`.")
MIXED_CASE: Final = Rule("mixed-case", "warning", "A key is not written as most keys of the file are.")
UNUSED_DEFINITION: Final = Rule("unused-definition", "info", "Nothing refers to a definition.")
PYTHON_KEYWORD: Final = Rule("python-keyword", "off", "A key is a word of Python, so typed code needs detours for it.")
REDUNDANT_CATEGORY: Final = Rule(
    "redundant-category", "info", "A topic repeats the `DefaultCategory`.", is_fixable=True
)
SINGLE_TYPE_LIST: Final = Rule("single-type-list", "info", "A `type` is a list of one.", is_fixable=True)
UNTRIMMED_DESCRIPTION: Final = Rule(
    "untrimmed-description", "info", "A description begins or ends with white space.", is_fixable=True
)
UNDOCUMENTED_KEY: Final = Rule("undocumented-key", "off", "A key of the data has no `description`.")

RULES: Final = {
    rule.name: rule
    for rule in (
        *(INVALID, UNDECLARED_REQUIRED, FAILING_EXAMPLE, UNKNOWN_FORMAT, UNCHECKED_DATA, UNTYPED, OPEN_OBJECT),
        *(AMBIGUOUS_NAME, PRESENT_TENSE, UNDOCUMENTED_TOPIC, MIXED_CASE, UNUSED_DEFINITION, PYTHON_KEYWORD),
        *(REDUNDANT_CATEGORY, SINGLE_TYPE_LIST, UNTRIMMED_DESCRIPTION, UNDOCUMENTED_KEY),
    )
}
