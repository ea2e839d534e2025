"""Retention: how many events a store keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bc_events.errors import ConfigurationError, printable

from .durations import EXAMPLES, read_duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """The latest `count` events, and those that came within `age`. None is no limit."""

    count: int | None = None
    age: timedelta | None = None

    @classmethod
    def read(cls, texts: Iterable[str]) -> Retention:
        """Of texts such as "50000" and "7d". Raises `ConfigurationError`."""
        count: int | None = None
        age: timedelta | None = None
        for text in texts:
            duration = read_duration(text)
            if duration is not None and age is None:
                age = duration
            elif text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) and count is None:  # noqa: PLR2004
                count = int(text)
            else:
                raise ConfigurationError(
                    f"'{printable(text, max_length=40)}' says nothing new of what to keep; give a number of events, "
                    f"such as 50000, and how long, such as {EXAMPLES}, each once at most"
                )
        return cls(count, age)
