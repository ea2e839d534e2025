"""Who follows events on their way, and what answers in place of the network: tests. In production nobody does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .event import Event
    from .wire import Answer, Request

    Network = Callable[[Request[Any]], Answer] | None
    """Answers requests in place of the network; None is the real one."""


class Witness(Protocol):
    """Told what becomes of each event of this process, on the thread on which it does."""

    def recorded(self, event: Event) -> None:
        """It was published: valid, frozen, and part of a unit of work."""

    def dropped(self, events: Sequence[Event]) -> None:
        """They were rolled back."""

    def confirmed(self, events: Sequence[Event]) -> None:
        """The work around them has succeeded, and so has its database transaction where one decides."""

    def sent(self, events: Sequence[Any]) -> None:
        """The Events API has taken them. From a relay they are rows of an outbox."""


_changing = threading.Lock()
watching: tuple[Witness, ...] = ()
_networks: tuple[Network, ...] = ()


def watch(witness: Witness, network: Network) -> None:
    """Until `unwatch` with the same two, `witness` is told of every event and `network` answers every request."""
    global watching  # noqa: PLW0603  who watches is the process's
    with _changing:
        watching = (*watching, witness)
    connect(network)


def unwatch(witness: Witness, network: Network) -> None:
    global watching  # noqa: PLW0603
    with _changing:
        watching = tuple(one for one in watching if one is not witness)
    disconnect(network)


def connect(network: Network) -> None:
    """Requests go to `network` from here on, until `disconnect` or a later `connect`."""
    global _networks  # noqa: PLW0603  what answers is the process's
    with _changing:
        _networks = (*_networks, network)


def disconnect(network: Network) -> None:
    """Takes that network away, wherever it stands: tests on several threads end in any order."""
    global _networks  # noqa: PLW0603
    with _changing:
        last = max(place for place, one in enumerate(_networks) if one is network)
        _networks = _networks[:last] + _networks[last + 1 :]


def network() -> Network:
    return _networks[-1] if _networks else None


def recorded(event: Event) -> None:
    for witness in watching:
        witness.recorded(event)


def dropped(events: Sequence[Event]) -> None:
    for witness in watching:
        witness.dropped(events)


def confirmed(events: Sequence[Event]) -> None:
    for witness in watching:
        witness.confirmed(events)


def sent(events: Sequence[Any]) -> None:
    for witness in watching:
        witness.sent(events)
