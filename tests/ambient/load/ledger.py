"""Ledger: a Delivery that many processes share. Each event is a line, and each batch one write, at a file's end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bc_events import EventClient
from tests.ambient.recording import TOPICS

from .reconciliation import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bc_events import Event


class Ledger:
    record = None
    runner = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def discard(self, events: Sequence[Event]) -> None:
        """Nothing: what was rolled back was never written."""

    def send(self, events: Sequence[Event]) -> None:
        lines = [f"{event.job_id} {event.actor.id} {event.data['n']} {event.id}\n" for event in events]
        os.write(self._file, "".join(lines).encode())

    def close(self) -> None:
        os.close(self._file)

    def arrivals(self) -> Iterator[Arrival]:
        with self.path.open() as lines:
            for line in lines:
                job, actor, number, event_id = line.split()
                yield Arrival(job, actor, int(number), event_id)


def ledger_client(ledger: Ledger) -> EventClient:
    return EventClient(None, "PolicyService", TOPICS, delivery=ledger)
