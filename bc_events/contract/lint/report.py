"""Findings as a person, a program, a code host or a CI service reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .rule import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .finding import Finding

_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"error": "error", "warning": "warning", "info": "note"}
_COMMANDS: Final = {"error": "error", "warning": "warning", "info": "notice"}
_ESCAPES: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def human_line(file: str, finding: Finding) -> str:
    """`topics.yaml:12: warning[open-object] policies.PolicyCreated /properties/a: message`"""
    place = f"{file}:{finding.line}" if finding.line else file
    about = " ".join(part for part in (finding.topic, finding.path) if part)
    return f"{place}: {finding.severity}[{finding.rule.name}] {about}{': ' if about else ''}{finding.message}"


def github_line(file: str, finding: Finding) -> str:
    """An annotation, as GitHub Actions takes it from the output of a step."""
    place = f"file={_property(file)}" + (f",line={finding.line}" if finding.line else "")
    title = f"title={_property(finding.rule.name)}"
    about = " ".join(part for part in (finding.topic, finding.path) if part)
    message = _escaped(f"{about}: {finding.message}" if about else finding.message)
    return f"::{_COMMANDS[finding.severity]} {place},{title}::{message}"


def as_json(findings: Mapping[str, Sequence[Finding]]) -> list[dict[str, Any]]:
    """A list with a mapping for each finding."""
    return [
        {
            "file": file,
            "line": finding.line,
            "rule": finding.rule.name,
            "severity": finding.severity,
            "topic": finding.topic,
            "path": finding.path,
            "message": finding.message,
            "fixable": finding.rule.is_fixable,
        }
        for file, of_file in findings.items()
        for finding in of_file
    ]


def as_sarif(findings: Mapping[str, Sequence[Finding]], version: str) -> dict[str, Any]:
    """A log of the Static Analysis Results Interchange Format (OASIS SARIF 2.1.0)."""
    names = list(RULES)
    rules = [{"id": rule.name, "shortDescription": {"text": rule.summary}} for rule in RULES.values()]
    results = [
        {
            "ruleId": finding.rule.name,
            "ruleIndex": names.index(finding.rule.name),
            "level": _LEVELS[finding.severity],
            "message": {"text": f"{finding.topic}: {finding.message}" if finding.topic else finding.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": file.replace("\\", "/")},
                        "region": {"startLine": finding.line or 1},
                    }
                }
            ],
        }
        for file, of_file in findings.items()
        for finding in of_file
    ]
    driver = {"name": "bc-events", "version": version, "rules": rules}
    return {"$schema": _SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
