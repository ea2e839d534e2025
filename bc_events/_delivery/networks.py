"""The stand-in for the network, which tests choose. Until then this module loads nothing else of the library."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Request
    from .wire import Answer

    Network = Callable[[Request[Any]], Answer] | None
    """Answers requests in place of the network; None is the real one."""

_FORBIDDEN: Final = 403  # it means a wrong configuration, so a relay pauses and refuses no event
_REFUSED: Final = (
    "nothing is sent under pytest; let the test use the captured_events fixture, "
    "or ask for the network with @pytest.mark.bc_events_network or pytest --bc-events-network"
)

_changing = threading.Lock()
_networks: tuple[Network, ...] = ()
_local_ports: frozenset[int] = frozenset()
is_test_run = False
"""Whether pytest runs with the library's plugin, also where a test asks for the network."""


def accepting(request: Request[Any]) -> Answer:
    """An Events API in memory that takes everything and keeps nothing."""
    from .wire import SUCCESS, Answer, Verdict  # noqa: PLC0415  a pytest plugin loads this module before coverage starts

    return Answer(Verdict.SETTLED, results=(SUCCESS,) * len(request.events), status=201)


def closed(_request: Request[Any]) -> Answer:
    """No Events API. Each flush is undelivered; the reason says how a test asks for the network."""
    from .wire import Answer, Verdict  # noqa: PLC0415  as above

    return Answer(Verdict.FINAL, _REFUSED, status=_FORBIDDEN)


_SPARING: Final = (accepting, closed)
"""These two let requests to a local Events API of this process pass: a test that made one means to reach it."""


def connect(network: Network) -> None:
    """Requests go to `network` from here on, until `disconnect` or a later `connect`."""
    global _networks  # noqa: PLW0603  the stand-in is one for the process
    with _changing:
        _networks = (*_networks, network)


def disconnect(network: Network) -> None:
    """Removes that network from wherever it is in the list, because tests on several threads end in any order."""
    global _networks  # noqa: PLW0603
    with _changing:
        last = max(place for place, one in enumerate(_networks) if one is network)
        _networks = _networks[:last] + _networks[last + 1 :]


def current(url: str | None) -> Network:
    """The stand-in that answers requests to `url`, the API of one client; None is the real network."""
    network = _networks[-1] if _networks else None
    return None if network in _SPARING and _is_local(url) else network


def note_test_run() -> None:
    global is_test_run  # noqa: PLW0603
    is_test_run = True


def local_starts(port: int) -> None:
    """A local Events API of this process serves on that port of 127.0.0.1, until `local_stops`."""
    global _local_ports  # noqa: PLW0603
    with _changing:
        _local_ports |= {port}


def local_stops(port: int) -> None:
    global _local_ports  # noqa: PLW0603
    with _changing:
        _local_ports -= {port}


def _is_local(url: str | None) -> bool:
    from urllib.parse import urlsplit  # noqa: PLC0415  only tests get here

    from .loopback import is_loopback  # noqa: PLC0415

    parts = urlsplit(url or "")
    return parts.port in _local_ports and is_loopback(parts.hostname or "")
