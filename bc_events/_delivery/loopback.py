"""Which hosts are this machine."""

from __future__ import annotations

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is a loopback address: 127.0.0.0/8, ::1, localhost and the names below it (RFC 6761)."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(_as_four_numbers(host))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which needs no look-up."""
    try:
        ipaddress.ip_address(_as_four_numbers(host.strip("[]")))
    except ValueError:
        return False
    return True


def _as_four_numbers(host: str) -> str:
    """`127.1`, `0x7f000001` and the like, which the system takes for IPv4 addresses, as four decimal numbers."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return host
