"""The metrics of relays, for OpenTelemetry. Their names are a contract, which the reference lists."""

from __future__ import annotations

import weakref
from functools import cache
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics
from opentelemetry.metrics import Observation

from bc_events.errors import OutboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Counter

    from bc_events.outbox._store.store import RelayStore, Stats

_observed: Final[weakref.WeakSet[RelayStore]] = weakref.WeakSet()


def observe(store: RelayStore) -> None:
    """Makes each collection of metrics ask the store for its numbers."""
    _counters()
    _observed.add(store)


def settled(sent: int, retried: int, dead: int) -> None:
    for counter, count in zip(_counters(), (sent, retried, dead), strict=True):
        if count:
            counter.add(count)


@cache
def _counters() -> tuple[Counter, Counter, Counter]:
    meter = metrics.get_meter("bc_events")
    gauges: tuple[tuple[str, str, str, Callable[[Stats], float | None]], ...] = (
        ("pending", "{event}", "Events that wait to be sent", lambda stats: stats.pending),
        ("dead", "{event}", "Events that the Events API will not take", lambda stats: stats.dead),
        ("oldest_age", "s", "Age of the oldest event that waits", lambda stats: stats.oldest_age),
        (
            "old_versions",
            "{version}",
            "Versions of rows that the database keeps for snapshots",
            lambda stats: stats.old_versions,
        ),
        ("snapshot_age", "s", "Age of the oldest snapshot in the database", lambda stats: stats.snapshot_age),
    )
    for name, unit, text, value in gauges:
        meter.create_observable_gauge(f"bc_events.outbox.{name}", [_observer(value)], unit, text)
    return (
        meter.create_counter("bc_events.outbox.sent", "{event}", "Events that a relay has delivered"),
        meter.create_counter("bc_events.outbox.retried", "{event}", "Events that a relay has to send once more"),
        meter.create_counter("bc_events.outbox.died", "{event}", "Events that a relay has given up"),
    )


def _observer(value: Callable[[Stats], float | None]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observations(_options: CallbackOptions) -> Iterable[Observation]:
        for store in list(_observed):
            try:
                stats = store.stats()
            except OutboxError:
                continue  # the relay itself reports a database that is gone
            found = value(stats)
            if found is not None:  # not to be seen, which is not the same as 0
                yield Observation(found, {"bc_events.outbox": repr(store)})

    return observations
