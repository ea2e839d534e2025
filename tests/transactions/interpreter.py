"""Runs a program on a real database integration, and compares what became of its events with the oracle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import Context

from bc_events import events
from bc_events.constants import LOGGER_NAME
from bc_events.testing import capture_events

from .lanes import Backend, Tasks, Threads
from .oracle import Oracle
from .programs import Step


def run(program: Sequence[Step], backend: Backend) -> None:
    """Raises AssertionError where an event met another outcome than the oracle says."""
    Context().run(_run, program, backend)


def _run(program: Sequence[Step], backend: Backend) -> None:
    oracle = Oracle(backend.rules)
    taken: list[Step] = []
    backend.arrived()
    with backend.client() as client, events.override(client), capture_events(network=None) as captured:
        with _warned() as warned:
            lanes = Tasks(backend) if backend.is_async else Threads(backend)
            try:
                _walk(program, oracle, lanes, taken)
            finally:
                lanes.close()
        dropped = sorted(event.data["id"] for event in captured.dropped)
    arrived = list(backend.arrived())
    shown = "\n".join(map(repr, taken))
    assert sorted(arrived) == sorted(oracle.with_outcome("sent")), (
        f"sent {arrived}, not {oracle.with_outcome('sent')}\n{shown}"
    )
    assert dropped == sorted(oracle.with_outcome("dropped")), (
        f"told of {dropped}, not {oracle.with_outcome('dropped')}\n{shown}"
    )
    assert sum(warned) == oracle.warned, f"warned of {warned} dropped events, not of {oracle.warned}\n{shown}"


def _walk(program: Sequence[Step], oracle: Oracle, lanes: Threads | Tasks, taken: list[Step]) -> None:
    for step in program:
        if oracle.allows(step):
            _take(step, oracle, lanes, taken)
    while (step := oracle.closing()) is not None:
        _take(step, oracle, lanes, taken)
    assert not any(lane.blocks for lane in oracle.lanes.values())


def _take(step: Step, oracle: Oracle, lanes: Threads | Tasks, taken: list[Step]) -> None:
    taken.append(step)
    number = len(oracle.events)
    oracle.take(step)
    try:
        lanes.take(step, number)
    except Exception as error:
        error.add_note("\n".join(map(repr, taken)))
        raise
    waiting = lanes.waiting()
    if waiting is not None and oracle.rules.sends_late:
        waiting -= oracle.with_outcome("sent")
    shown = "\n".join(map(repr, taken))
    assert waiting in (None, oracle.waiting), f"the session has {waiting}, not {oracle.waiting}\n{shown}"


class _Warnings(logging.Handler):
    def __init__(self, counts: list[int]) -> None:
        super().__init__(logging.WARNING)
        self._counts = counts

    def emit(self, record: logging.LogRecord) -> None:
        self._counts.append(getattr(record, "bc_dropped", 0))


@contextmanager
def _warned():
    """The numbers of dropped events that the library's warnings state."""
    counts: list[int] = []
    handler, logger = _Warnings(counts), logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    try:
        yield counts
    finally:
        logger.removeHandler(handler)
