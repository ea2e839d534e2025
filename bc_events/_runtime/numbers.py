"""Numbers given as text, as in the options of a command. A number outside the range that makes sense is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bc_events.errors import ConfigurationError, printable

_LONGEST_SHOWN: Final = 40


class NumberRange(Protocol):
    """The numbers that an option takes."""

    def read(self, text: str) -> float:
        """The number. Raises `ConfigurationError`, whose message says which numbers are accepted."""
        ...


@dataclass(frozen=True, slots=True)
class WholeNumbers:
    """The whole numbers from `least` to `most`."""

    least: int
    most: int

    def read(self, text: str) -> int:
        """Raises `ConfigurationError`."""
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not self.least <= number <= self.most:
            raise ConfigurationError(f"{_shown(text)} is not a whole number from {self.least} to {self.most}")
        return number


@dataclass(frozen=True, slots=True)
class Seconds:
    """Times up to `most` seconds. 0 is one of them if `is_zero_taken`."""

    most: float
    is_zero_taken: bool = False

    def read(self, text: str) -> float:
        """Raises `ConfigurationError`."""
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= self.most or (seconds == 0 and not self.is_zero_taken):  # NaN is in no range
            least = "from 0" if self.is_zero_taken else "above 0"
            raise ConfigurationError(f"{_shown(text)} is not a number of seconds {least} and up to {self.most:g}")
        return seconds


def _shown(text: str) -> str:
    return f"'{printable(text, max_length=_LONGEST_SHOWN)}'"
