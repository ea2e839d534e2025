"""RelaySettings: the lease, the waits and the alarm of a relay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenacity import RetryCallState, Retrying, wait_random_exponential

from bc_events._runtime import argument_checks as check, keywords
from bc_events.errors import ConfigurationError

if TYPE_CHECKING:
    from tenacity.wait import wait_base

    from bc_events.outbox._store.store import Order

_LEASE_PER_DEADLINE: Final = 3
LONGEST_LEASE: Final = 86_400.0
"""Seconds. Claimed rows wait for so long after a crash."""


@keywords.checked_class
@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """All in seconds.

    `lease`: how long a worker owns the rows that it claims. At least three times the time limit of one request.
    `poll`: the first and the longest wait between two looks at an empty outbox.
    `retry`: the backoff of an event that failed, by its attempts.
    `pause`: the backoff of a relay in an outage, by the failures in a row.
    `alarm`: the age of the oldest waiting event above which an error is logged.
    """

    lease: float = 60.0
    poll: tuple[float, float] = (0.05, 1.0)
    retry: wait_base = field(default_factory=lambda: wait_random_exponential(multiplier=1, max=300))
    pause: wait_base = field(default_factory=lambda: wait_random_exponential(multiplier=0.5, max=30))
    alarm: float = 300.0

    def __post_init__(self) -> None:
        """Raises `ConfigurationError`."""
        check.seconds("lease", self.lease)
        check.seconds("alarm", self.alarm)
        for name, value in (("retry", self.retry), ("pause", self.pause)):
            check.function(name, value, example="a wait of tenacity, such as wait_fixed(5)")
        if not isinstance(self.poll, tuple) or len(self.poll) != 2:  # noqa: PLR2004
            raise check.wrong("poll", self.poll, "two numbers of seconds: (first, longest)")
        for wait in self.poll:
            check.seconds("poll", wait)

    def check(self, deadline: float) -> None:
        """Raises `ConfigurationError` where a lease could end while its request is under way, or lasts too long."""
        if self.lease > LONGEST_LEASE:
            raise ConfigurationError(f"lease is {self.lease}; give at most {LONGEST_LEASE:g} seconds")
        if self.lease < _LEASE_PER_DEADLINE * deadline:
            raise ConfigurationError(
                f"a lease of {self.lease} s is too short for requests that may take {deadline} s; "
                f"give {_LEASE_PER_DEADLINE * deadline} s or more, or shorter timeouts"
            )

    @classmethod
    def for_requests_of(cls, deadline: float) -> RelaySettings:
        """The defaults, with a lease that is long enough for requests that take up to `deadline` seconds."""
        return cls(lease=max(cls().lease, _LEASE_PER_DEADLINE * deadline))

    def retry_after(self, attempts: int) -> float:
        """Seconds until an event is sent again, after so many attempts."""
        return _wait_of(self.retry, attempts)

    def pause_after(self, failures: int) -> float:
        """Seconds until the API is asked again, after so many failures in a row."""
        return _wait_of(self.pause, failures)


def check_relay_options(*, relay: bool, order: Order, settings: RelaySettings | None) -> None:
    """Checks the options that every outbox has. Raises `ConfigurationError`."""
    check.flag("relay", relay)
    check_order(order)
    check_settings(settings)


def check_order(order: Order) -> None:
    check.one_of("order", order, "time", "job")


def check_settings(settings: RelaySettings | None) -> None:
    if settings is not None:
        check.instance("settings", settings, RelaySettings, example="RelaySettings(…), or None")


def _wait_of(wait: wait_base, times: int) -> float:
    """The seconds that a strategy gives. It may be the user's code, so NaN and infinity become the longest wait."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = times
    seconds = wait(state)
    return max(0.0, seconds) if seconds < LONGEST_LEASE else LONGEST_LEASE
