"""OwnerChoice: which of several open transactions an event belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.event import Event


class Candidate(Protocol):
    """A followed session that has a transaction open."""

    owner_choices: list[OwnerChoice]

    @property
    def transaction_number(self) -> int: ...
    @property
    def has_written(self) -> bool: ...
    def add(self, event: Event, wake: Callable[[], None]) -> bool: ...
    def release(self, event: Event) -> bool: ...


class OwnerChoice:
    """None of the transactions had written when the event was published, so it cannot be told yet whose it is.

    The one begun last holds it until another one writes. One that ends and has only read passes it on.
    """

    __slots__ = ("_candidates", "_event", "_holder", "_wake")

    def __init__(self, event: Event, candidates: Sequence[Candidate], wake: Callable[[], None]) -> None:
        """`candidates`, the one begun last at the end, which holds the event."""
        self._event = event
        self._wake = wake
        self._candidates = [(one, one.transaction_number) for one in candidates]
        self._holder = candidates[-1]
        for one in candidates:
            one.owner_choices.append(self)

    def written_by(self, writer: Candidate) -> None:
        """A candidate has written for the first time."""
        if writer is not self._holder and not self._holder.has_written:
            self._move(writer)

    def left_by(self, reader: Candidate) -> None:
        """The transaction of a candidate ends, and has only read."""
        if reader is self._holder:
            others = [one for one, number in self._candidates if one is not reader and one.transaction_number == number]
            if others:
                self._move(others[-1])

    def _move(self, taker: Candidate) -> None:
        if self._holder.release(self._event):
            if taker.add(self._event, self._wake):
                self._holder = taker
            else:
                self._holder.add(self._event, self._wake)
