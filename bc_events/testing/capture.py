"""capture_events: shows a test every event of this process, and sends none."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from bc_events._delivery import networks, observers
from bc_events._runtime import argument_checks as check, keywords

from .captured import CapturedEvents
from .stages import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events._delivery.networks import Network


@contextmanager
@keywords.checked
def capture_events(*, network: Network = networks.accepting) -> Iterator[CapturedEvents]:
    """Captures the events that all clients, threads and tasks of this process publish in its `with` block.

    Topics, checks, scopes and rollbacks are the real ones. Requests end in memory, where each succeeds; with
    `network=None` they really go out, and are captured as well. A `LocalEventsAPI` of this process is always reached.
    """
    if network is not None:
        check.function("network", network, example="a function that takes a request and returns its answer, or None")
    record = Record()
    observers.add(record)
    networks.connect(network)
    try:
        yield CapturedEvents(record)
    finally:
        networks.disconnect(network)
        observers.remove(record)
