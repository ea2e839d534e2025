"""Durations as people write them: 30s, 5m, 12h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_written: Final = re.compile(r"([0-9]{1,6})([smhdw])").fullmatch
EXAMPLES: Final = "30s, 5m, 12h, 7d or 2w"


def read_duration(text: str) -> timedelta | None:
    """The duration; None if the text is not one."""
    found = _written(text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
