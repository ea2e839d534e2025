"""How long an outbox keeps what was sent: the argument `keep` of every outbox."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError, printable

Keep = str | timedelta
"""Days or hours, such as `"90d"` or `"12h"`, or a timedelta."""

_AGE: Final = re.compile(r"([0-9]{1,9})([hd])").fullmatch
_UNITS: Final = {"h": 3_600.0, "d": 86_400.0}
_LONGEST: Final = 36_500 * _UNITS["d"]
_EXAMPLE: Final = 'whole days or hours such as "90d" or "12h", or a timedelta'


def seconds_of(name: str, keep: Keep | None) -> float | None:
    """The seconds of an age. Raises `ConfigurationError`, which calls it `name`."""
    if keep is None:
        return None
    if isinstance(keep, timedelta):
        seconds = keep.total_seconds()
    elif isinstance(keep, str):
        seconds = _read(name, keep)
    else:
        raise check.wrong(name, keep, _EXAMPLE)
    if not 0 < seconds <= _LONGEST:
        raise ConfigurationError(f"{name} is {printable(str(keep))}; give more than nothing, and at most 36500d")
    return seconds


class Ages:
    """The ages that an option of a command takes."""

    def read(self, text: str) -> timedelta:
        """Raises `ConfigurationError`."""
        return timedelta(seconds=seconds_of("it", text) or 0.0)


def _read(name: str, text: str) -> float:
    found = _AGE(text)
    if found is None:
        raise ConfigurationError(f"{name} is {printable(repr(text))}; give {_EXAMPLE}")
    return int(found[1]) * _UNITS[found[2]]
