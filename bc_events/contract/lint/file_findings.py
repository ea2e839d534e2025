"""What the rules find in a definitions file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bc_events import TopicTable
from bc_events.contract.subschemas import subschemas
from bc_events.errors import TopicDefinitionError, printable
from bc_events.topics.documents import line_at, line_of
from bc_events.topics.plain import pointer

from . import rule
from .finding import Finding
from .schema_findings import is_untrimmed, schema_findings
from .verbs import is_past

if TYPE_CHECKING:
    from os import PathLike

    from bc_events.topics.references import Steps
    from bc_events.topics.topic import Topic

    from .settings import LintSettings

_CAMEL: Final = re.compile(r"[a-z]+\d*([A-Z][a-zA-Z0-9]*)+")
_SNAKE: Final = re.compile(r"[a-z]+\d*(_[a-z0-9]+)+")
_MOST: Final = 0.8
"""The share of the keys of several words that must agree on a case before the others stand out."""


def file_findings(file: str | PathLike[str], settings: LintSettings) -> list[Finding]:
    """All findings in a file that the settings do not switch off, in the order of its lines."""
    try:
        table = TopicTable.read(file)
    except TopicDefinitionError as error:
        return [Finding(rule.INVALID, "error", found.line, "", "", found.message) for found in error.problems]
    found = _Findings(settings)
    for topic in table.values():
        _topic(topic, table, found)
    _cases(table, found)
    return sorted(found.by_place.values(), key=lambda finding: finding.line or 0)


class _Findings:
    """Findings, one for each rule and line: an alias brings the same place into several schemas."""

    def __init__(self, settings: LintSettings) -> None:
        self._settings = settings
        self.by_place: dict[tuple[Any, ...], Finding] = {}

    def add(self, broken: rule.Rule, topic: Topic, steps: Steps | None, message: str, line: int | None = None) -> None:
        """A finding in a topic; with `steps`, in its schema."""
        severity = self._settings.severity(broken)
        if severity == "off":
            return
        if steps is not None:
            line = line_at(topic.definition, ("Schema", *steps)) or line_of(topic.definition, "Schema")
        finding = Finding(broken, severity, line, topic.name, pointer(steps or ()), message)
        place = (broken.name, line, message) if line is not None else (broken.name, topic.name, finding.path, message)
        self.by_place.setdefault(place, finding)


def _topic(topic: Topic, table: TopicTable, found: _Findings) -> None:
    definition = topic.definition
    line = line_of(definition)
    if not topic.description.strip():
        found.add(rule.UNDOCUMENTED_TOPIC, topic, None, "Description is missing; say when this event happens", line)
    elif is_untrimmed(topic.description):
        at = line_of(definition, "Description")
        found.add(rule.UNTRIMMED_DESCRIPTION, topic, None, "the description has white space at its edges", at)
    if not is_past(topic.action):
        message = f"{topic.action} is not the past of a verb; say what has happened, as Created does"
        found.add(rule.PRESENT_TENSE, topic, None, message, line_of(definition, "Action"))
    if definition.get("Category") == table.default_category and table.default_category:
        message = f"{topic.category} is the DefaultCategory; leave Category out"
        found.add(rule.REDUNDANT_CATEGORY, topic, None, message, line_of(definition, "Category"))
    name = topic.magic_names[0]
    if table.magic_names[name] is None:
        message = f"{name} exists in several categories; make one the DefaultCategory, or rename it"
        found.add(rule.AMBIGUOUS_NAME, topic, None, message, line)
    for broken, steps, message in schema_findings(topic.schema):
        found.add(broken, topic, steps, message)


def _cases(table: TopicTable, found: _Findings) -> None:
    """Keys of several words that are not written in the case of most of them."""
    places = [
        (topic, (*steps, "properties", name), name)
        for topic in table.values()
        for steps, part in subschemas(topic.schema)
        if isinstance(part.get("properties"), Mapping)
        for name in part["properties"]
    ]
    counts = Counter(case for *_, name in places if (case := _case(name)))
    if not counts:
        return
    usual, count = counts.most_common(1)[0]
    if count < _MOST * counts.total():
        return
    for topic, steps, name in places:
        if _case(name) not in {None, usual}:
            found.add(rule.MIXED_CASE, topic, steps, f"{printable(name)} is not {usual}, as most keys of the file are")


def _case(name: str) -> str | None:
    return "camelCase" if _CAMEL.fullmatch(name) else "snake_case" if _SNAKE.fullmatch(name) else None
