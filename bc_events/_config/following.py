"""Which units of work a client makes: plain ones, or ones that report their life to a local Events API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bc_events._delivery import networks
from bc_events._delivery.loopback import is_loopback
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.errors import ConfigurationError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

REPORTS: Final = "BC_EVENTS_REPORTS"


def units_of(api_url: str | None) -> Callable[..., Any]:
    """What makes the units of work of a client with this `api_url`.

    Raises `ConfigurationError` for a switch that is neither on nor off.
    """
    if not may_be_local(api_url):
        return UnitOfWork
    from bc_events._reports.following import Following  # noqa: PLC0415  loads an HTTP client, which production never needs

    return Following(str(api_url))


def follow(api_url: str) -> None:
    """Reports the requests that a relay of this process sends there, if a local Events API may listen."""
    if may_be_local(api_url):
        from bc_events._reports.channels import channel_to  # noqa: PLC0415  as above

        channel_to(api_url)


def may_be_local(api_url: str | None) -> bool:
    """Whether a local Events API may listen there: it is on this machine, and speaks plain HTTP.

    It is none in a test run: the server of a test would see requests that it does not expect.
    """
    if api_url is None or networks.is_test_run or not _is_wanted():
        return False
    parts = urlsplit(api_url)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def _is_wanted() -> bool:
    given = os.environ.get(REPORTS, "")
    if given in ("", "on"):
        return True
    if given == "off":
        return False
    raise ConfigurationError(f"{REPORTS} is {printable(given)}; set it to off, or do not set it")
