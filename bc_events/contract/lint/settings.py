"""Which rules count how much, as the project's pyproject.toml says."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import ConfigurationError, kind_of, printable

from .rule import RULES, SEVERITIES

if TYPE_CHECKING:
    from pathlib import Path

    from .rule import Rule, Severity

TABLE: Final = "tool.bc_events.lint"
_KEYS: Final = ("severity",)


@dataclass(frozen=True, slots=True)
class LintSettings:
    """`severities` has the rules whose severity is not the default one."""

    severities: Mapping[str, Severity] = field(default_factory=dict)

    def severity(self, rule: Rule) -> Severity:
        """The severity of findings of a rule."""
        return self.severities.get(rule.name, rule.severity)


def read_settings(folder: Path) -> LintSettings:
    """The settings in the nearest pyproject.toml, in the folder or above it. Raises `ConfigurationError`."""
    for place in (folder, *folder.parents):
        file = place / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return LintSettings()


def _read(file: Path) -> LintSettings:
    try:
        table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML that can be read: {error}") from error
    for key in TABLE.split("."):
        table = table.get(key, {}) if isinstance(table, Mapping) else table
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{TABLE} in {file} is {kind_of(table)}; make it a table")
    for key in table:
        _refuse_unknown(key, _KEYS, f"{TABLE} in {file}")
    severities = table.get("severity", {})
    if not isinstance(severities, Mapping):
        raise ConfigurationError(f"{TABLE}.severity in {file} is {kind_of(severities)}; give rules with severities")
    for name, severity in severities.items():
        _refuse_unknown(name, tuple(RULES), f"{TABLE}.severity in {file}")
        if severity not in SEVERITIES:
            raise ConfigurationError(
                f"the severity of {name} in {file} is {printable(repr(severity))}; give {', '.join(SEVERITIES)}"
            )
    return LintSettings(severities)


def _refuse_unknown(name: str, known: tuple[str, ...], place: str) -> None:
    if name in known:
        return
    closest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {closest[0]}?" if closest else f"it may have {', '.join(known)}"
    raise ConfigurationError(f"{place} has {printable(name)}, which is not known; {hint}")
