"""The listening socket of a local Events API."""

from __future__ import annotations

import socket
from typing import Final

from bc_events.errors import ConfigurationError

ADDRESS: Final = "127.0.0.1"
BACKLOG: Final = 1024


def listening(port: int, host: str = ADDRESS) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"port {port} of {host} cannot be used ({error}); end the program that listens there, or choose "
            "another port; 0 takes any that is free"
        ) from error
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, which create_server's do not;
    # without it each answer's body waits 40 ms for the client to acknowledge the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
