"""Checks of the arguments of `EventClient`. Each raises `ConfigurationError`. No message shows a secret."""

from __future__ import annotations

import importlib
import math
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from bc_events._delivery.loopback import is_loopback
from bc_events._delivery.request import Limits
from bc_events._runtime import argument_checks as check
from bc_events.constants import ACTOR_ID_MIN_LENGTH, ACTOR_TYPE_SERVICE, BAGGAGE_KEY, LOG_ONLY, MAX_REQUEST_EVENTS
from bc_events.errors import ConfigurationError, InvalidActorError, kind_of, printable
from bc_events.event import Actor
from bc_events.topics.table import TopicTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from requests.auth import AuthBase

    from bc_events._delivery.delivery import Delivery, Outbox
    from bc_events.topics.definitions import Definitions

_OF_A_DELIVERY: Final = ("record", "runner", "discard", "send", "close")
_LABEL: Final = re.compile(r"""[^\s!"#$%&'()*+,/;<=>?@\[\\\]^`{|}~]{1,63}""").fullmatch
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch


def service_actor(name: object) -> Actor:
    """The service as an actor."""
    if not isinstance(name, str) or len(name) < ACTOR_ID_MIN_LENGTH:
        given = repr(name) if isinstance(name, str) else check.shown(name)
        raise ConfigurationError(
            f"service_name is {given}; it is also the actor id of the service's own events, so give a string of "
            f"{ACTOR_ID_MIN_LENGTH} characters or more, such as PolicyService"
        )
    if not name.strip():
        raise ConfigurationError(
            "service_name is only white space; give the name of the service, such as PolicyService"
        )
    if name != name.strip():
        raise ConfigurationError(
            f"service_name is {name!r} with white space around it, and so another actor than {name.strip()!r}; "
            "remove the white space, also from the environment variable or the file that it comes from"
        )
    if not name.isprintable():
        raise ConfigurationError(
            f"service_name is {printable(name)}, with characters that cannot be printed; remove them"
        )
    try:
        return Actor(name, ACTOR_TYPE_SERVICE)
    except InvalidActorError as error:
        raise ConfigurationError("service_name is not text that can be sent; give one such as PolicyService") from error


def has_auth(auth: object, http: requests.Session | None) -> bool:
    """Whether requests will carry credentials."""
    return auth is not None or (http is not None and bool(http.auth or http.headers.get("Authorization")))


def api_url(given: object, *, has_auth: bool) -> str | None:
    """The Events API's URL. "log:", None, and "" as from `os.environ.get("API_URL", "")`, mean that there is no API."""
    return None if given in (None, "", LOG_ONLY) else url(given, has_auth=has_auth)


def url(given: object, *, has_auth: bool, name: str = "api_url") -> str:
    """The URL of an API, without a slash at its end. `name` is that of the argument."""
    parts = _split(given)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        kind = "not a URL" if isinstance(given, str) else f"not a URL but {check.shown(given)}"
        raise ConfigurationError(
            f"{name} is {kind}; give one such as https://api.mysite.britecore.com"
            + (f", or {LOG_ONLY} to log events only" if name == "api_url" else "")
        )
    _check_host(parts)
    if parts.username or parts.password:
        raise ConfigurationError(f"{name} contains credentials, which end up in logs; pass them as auth=")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{name} has a query or fragment; give the part before /events alone")
    if has_auth and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"auth would travel unencrypted to {parts.hostname}; use https, or no auth (plain HTTP is for loopback)"
        )
    return str(given).rstrip("/")


def _check_host(parts: SplitResult) -> None:
    """Raises `ConfigurationError` for a name that nothing can look up. Addresses of IPv6 have no such form."""
    host = parts.hostname or ""
    if ":" in host or all(map(_LABEL, host.removesuffix(".").split("."))):
        return
    has_placeholder = any(character in host for character in "${}<>%")
    why = "a placeholder was left in it" if has_placeholder else "a part of a host name has 1 to 63 characters"
    given = parts.netloc.rpartition("@")[2]  # not in lower case, and without a password
    raise ConfigurationError(f"api_url has the host {printable(repr(given))}, which cannot be one: {why}")


def _split(given: object) -> SplitResult | None:
    if not isinstance(given, str) or not given.isprintable() or " " in given:
        return None
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is not a port
    except ValueError:
        return None
    return parts


def auth(given: AuthBase | Callable[[], str] | None) -> AuthBase | Callable[[], str] | None:
    if given is None:
        return None
    check.function("auth", given, example="a requests AuthBase, or a function that returns a bearer token")
    return given


def topic_table(given: Definitions | TopicTable, *, show_values: bool) -> TopicTable:
    if isinstance(given, type):
        raise check.wrong(
            "topic_definitions", given, "the definitions file, or a table that TopicTable.read(file) made"
        )
    if not isinstance(given, TopicTable):
        return TopicTable.read(given, show_values=show_values)
    if check.flag("show_values", show_values):
        raise ConfigurationError("a TopicTable is read with or without values; give show_values to TopicTable.read")
    return given


def outbox(given: str | Outbox | None, delivery: object) -> Outbox | None:
    """An outbox, or the name of one: the one place where the core loads an edge."""
    if given is not None and delivery is not None:
        raise ConfigurationError(
            "outbox and delivery are both given, and an event takes one way only; give one of them"
        )
    if isinstance(given, str):
        named: Outbox = importlib.import_module("bc_events.outbox").named(given)
        return named
    if given is None or (callable(getattr(given, "delivery", None)) and not isinstance(given, type)):
        return given
    raise check.wrong("outbox", given, 'the name of a file as a string, such as "events.db", or an outbox')


def delivery(given: Delivery | None) -> Delivery | None:
    lacks = [name for name in _OF_A_DELIVERY if given is not None and not hasattr(given, name)]
    if isinstance(given, type):
        raise check.wrong("delivery", given, "an instance of it")
    if not lacks:
        return given
    raise ConfigurationError(
        f"delivery is {kind_of(given)}, which has no {' and no '.join(lacks)}; give a bc_events.Delivery"
    )


def http(given: requests.Session | None) -> requests.Session | None:
    is_like_one = all(callable(getattr(given, name, None)) for name in ("post", "get_adapter"))
    if given is None or (is_like_one and not isinstance(given, type)):
        return given
    raise check.wrong("http", given, "a requests.Session()")


def baggage_key(given: object) -> str:
    """A key that OpenTelemetry writes: a token (RFC 9110, 5.6.2)."""
    if isinstance(given, str) and _TOKEN(given):
        return given
    shown = printable(repr(given)) if isinstance(given, str) else check.shown(given)
    raise ConfigurationError(
        f"baggage_key is {shown}; give a token without spaces or separators, such as {BAGGAGE_KEY}"
    )


def limits(events: int, size: int) -> Limits:
    """The Events API takes no more than 250 events in a request."""
    check.whole("max_request_events", events, least=1, most=MAX_REQUEST_EVENTS)
    check.whole("max_request_bytes", size, least=1)
    return Limits(events, size)


def timeout(given: tuple[float, float]) -> tuple[float, float]:
    if isinstance(given, tuple) and len(given) == 2 and all(map(_is_duration, given)):  # noqa: PLR2004
        return given
    example = "a pair of positive numbers of seconds, to connect and to wait for an answer: (3.05, 10)"
    if isinstance(given, tuple | list):
        listed = ", ".join(map(check.shown, given[:3]))
        raise ConfigurationError(f"timeout is {kind_of(given)} of {listed or 'nothing'}; give {example}")
    raise check.wrong("timeout", given, example)


def _is_duration(value: Any) -> bool:
    return _is_number(value) and 0 < value < math.inf


def retry_budget(given: float) -> float:
    """Infinity is allowed: a flush then retries without end."""
    if not _is_number(given) or not given >= 0:
        raise check.wrong("retry_budget", given, "a number of seconds, 0 for no retries")
    return given


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
