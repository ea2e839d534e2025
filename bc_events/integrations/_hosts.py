"""AllowedHosts: the hosts to which outgoing calls carry the job. Other hosts must not learn it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError, kind_of, printable
from bc_events.propagation import Border, inject

if TYPE_CHECKING:
    from collections.abc import Mapping


_NAME: Final = re.compile(r"(\*\.)?([a-z0-9_-]+\.)*[a-z0-9_-]+\.?|[0-9a-f:.]*:[0-9a-f:.]*(%.+)?").fullmatch
"""A name, all names below a domain, or an IP address. In another form, such as `api.*.internal`, none would match."""


class AllowedHosts:
    """Hosts by name (`policies.internal`), with a port (`localhost:8000`), or all below a domain (`*.internal`)."""

    __slots__ = ("_allowed", "_border")

    def __init__(self, hosts: Iterable[str], border: Border) -> None:
        """Raises `ConfigurationError` for a host that is no host name, and for a list without hosts."""
        self._border = check.instance("border", border, Border, example="a Border, such as bc_events.propagation.HTTP")
        if not isinstance(hosts, Iterable):
            raise check.wrong("hosts", hosts, 'a list of host names, such as ["policies.internal"]')
        self._allowed = [] if isinstance(hosts, str) else [_parsed(host) for host in hosts]
        if not self._allowed:
            raise ConfigurationError(
                "hosts is not a list of host names; name those of our own services, such as "
                '["policies.internal", "*.britecore.example", "localhost:8000"]'
            )

    def allow(self, url: str) -> bool:
        parts = urlsplit(url)
        return any(_matches(parts, allowed) for allowed in self._allowed)

    def headers_for(self, url: str, present: Mapping[str, str]) -> dict[str, str]:
        """The headers to add to a call to `url`. None are added if the host is not allowed."""
        if not self.allow(url):
            return {}
        carried: dict[str, str] = {}
        inject(carried, self._border)
        return {name: value for name, value in carried.items() if name not in present}


def _parsed(host: str) -> SplitResult:
    if not isinstance(host, str):
        raise ConfigurationError(f"hosts has {kind_of(host)}; give names as text, such as policies.internal")
    parts = _split(host)
    if parts is None or not _NAME(parts.hostname or "") or parts.netloc != host or "@" in host or host.endswith(":"):
        raise ConfigurationError(
            f"{printable(repr(host))} is not a host name; give it in ASCII, without scheme or path, such as "
            "policies.internal, localhost:8000 or *.internal"
        )
    return parts


def _split(host: str) -> SplitResult | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is not a port
    except ValueError:
        return None
    return parts


def _matches(parts: SplitResult, allowed: SplitResult) -> bool:
    if allowed.port is not None and parts.port != allowed.port:
        return False
    host, name = parts.hostname or "", allowed.hostname or ""
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
