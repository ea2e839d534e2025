"""Comments in a definitions file that accept a finding: `# lint: ignore[open-object]`."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from bc_events.errors import ConfigurationError, printable

from .rule import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .finding import Finding

_COMMENT: Final = re.compile(r"#\s*lint:\s*ignore\[([^\]]*)\]")


def not_ignored(findings: Iterable[Finding], text: str) -> list[Finding]:
    """The findings that no comment accepts: one on their own line, or on a line of its own just above."""
    accepted = _accepted(text)
    return [finding for finding in findings if finding.rule.name not in accepted.get(finding.line or 0, ())]


def _accepted(text: str) -> dict[int, set[str]]:
    """The names of rules that each line accepts."""
    accepted: dict[int, set[str]] = {}
    above: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        found = _COMMENT.search(line)
        names = _names(found[1], number) if found else set()
        if found and not line[: found.start()].strip():
            above |= names
            continue
        accepted[number] = names | above
        above = set()
    return accepted


def _names(listed: str, line: int) -> set[str]:
    names = {name.strip() for name in listed.split(",")}
    for name in sorted(names - RULES.keys()):
        closest = difflib.get_close_matches(name, RULES, n=1)
        hint = f"; did you mean {closest[0]}?" if closest else ""
        raise ConfigurationError(f"line {line} ignores {printable(repr(name))}, which is no rule{hint}")
    return names
