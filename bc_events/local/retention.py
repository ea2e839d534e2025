"""Retention: how many events a store keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError, printable

from .durations import EXAMPLES, read_duration

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Retention:
    """The latest `count` events, and those that came within `age`. None is no limit."""

    count: int | None = None
    age: timedelta | None = None

    @classmethod
    def of(cls, keep: int | None, keep_for: timedelta | None) -> Retention:
        """Of the arguments of `LocalEventsAPI`. Raises `ConfigurationError`."""
        if keep is not None:
            check.whole("keep", keep, least=1)
        if keep_for is not None:
            check.instance("keep_for", keep_for, timedelta, example="timedelta(days=7)")
            if keep_for <= timedelta(0):
                raise ConfigurationError(f"keep_for is {keep_for}; give a time above 0, such as timedelta(days=7)")
        return cls(keep, keep_for)

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
