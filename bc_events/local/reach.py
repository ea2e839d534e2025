"""Reach: where a local Events API listens, and who may ask it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bc_events._delivery.loopback import is_loopback
from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError, printable

from .listener import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  only compared with
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,200}").fullmatch
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,253}").fullmatch
_host_header: Final = re.compile(r"(\[[0-9a-f:]+\]|[^:\[\]@]+)(:[0-9]{1,5})?").fullmatch


@dataclass(frozen=True, slots=True)
class Reach:
    """`host` is the address. Requests need the `token`, if there is one, and one of the `names` as their Host."""

    host: str = ADDRESS
    token: str | None = None
    names: frozenset[str] = frozenset({ADDRESS, "localhost"})

    @classmethod
    def of(cls, host: str, token: str | None, allowed_hosts: Sequence[str]) -> Reach:
        """An address other than loopback gets a token. Raises `ConfigurationError`."""
        check.text("host", host, example="127.0.0.1, or 0.0.0.0 for every address of this machine")
        if token is not None and not _TOKEN(check.text("token", token, example="secrets.token_urlsafe()")):
            raise ConfigurationError(
                "the token has characters that cannot stand in a URL, or is too short; give 16 to 200 letters, digits, "
                "- or _, such as secrets.token_urlsafe() makes"
            )
        check.texts("allowed_hosts", allowed_hosts, example='a list of names, such as ["events"]')
        wrong = next((name for name in allowed_hosts if not _NAME(name)), None)
        if wrong is not None:
            raise ConfigurationError(
                f"{printable(wrong)} is not the name of a host; give it without a port, as it is in URLs: events"
            )
        if token is None and not is_loopback(host):
            token = secrets.token_urlsafe(24)
        own = frozenset() if host in _EVERY_ADDRESS else frozenset({f"[{host}]" if ":" in host else host})
        names = {ADDRESS, "localhost", *own, *allowed_hosts}
        return cls(host, token, frozenset(name.lower() for name in names))

    def url(self, port: int) -> str:
        """With the token, if there is one: it takes the place of a header that not every client can send."""
        host = ADDRESS if self.host in _EVERY_ADDRESS else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}{'' if self.token is None else f'/{self.token}'}"

    def is_named(self, host: str) -> bool:
        """Whether a Host header names this server. The name of another site can resolve to it (DNS rebinding)."""
        found = _host_header(host.lower())
        return found is not None and found[1] in self.names

    def is_token(self, given: str | None) -> bool:
        return self.token is None or (given is not None and secrets.compare_digest(given.encode(), self.token.encode()))
