"""What answers requests in place of the network: tests give it. It loads nothing else of the library."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Request
    from .wire import Answer

    Network = Callable[[Request[Any]], Answer] | None
    """Answers requests in place of the network; None is the real one."""

_changing = threading.Lock()
_networks: tuple[Network, ...] = ()


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


def current() -> Network:
    return _networks[-1] if _networks else None
