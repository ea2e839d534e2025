"""Tools for tests: captured events, assertions about them, fixed ids and times, and the pytest plugin.

The library is loaded only when a test asks for it. Otherwise coverage could not see its imports.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .capture import capture_events
    from .captured import CapturedEvents
    from .cases import CapturesEvents
    from .determinism import deterministic_events
    from .stages import Stage

_HOMES = {
    "CapturedEvents": "captured",
    "CapturesEvents": "cases",
    "Stage": "stages",
    "capture_events": "capture",
    "deterministic_events": "determinism",
}

__all__ = ["CapturedEvents", "CapturesEvents", "Stage", "capture_events", "deterministic_events"]


if not TYPE_CHECKING:  # type checkers then find misspelt names

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
