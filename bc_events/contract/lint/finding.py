"""A place of a definitions file that breaks a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rule import Rule, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """`topic` and `path` (a JSON Pointer into its schema) are empty where the finding is not about one."""

    rule: Rule
    severity: Severity
    line: int | None
    topic: str
    path: str
    message: str
