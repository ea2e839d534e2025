"""The process's default client: from `configure`, from the environment, or from an `override`."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

from bc_events._runtime import argument_checks as check, forks, suggestions
from bc_events.constants import LOG_ONLY
from bc_events.errors import ConfigurationError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ParamSpec, TypeVar, Unpack

    from bc_events._config.settings import ClientOptions, ClientSettings
    from bc_events.client import EventClient
    from bc_events.topics.definitions import Definitions
    from bc_events.topics.table import TopicTable

    P = ParamSpec("P")
    R = TypeVar("R")

API_URL: Final = "BC_EVENTS_API_URL"
SERVICE_NAME: Final = "BC_EVENTS_SERVICE_NAME"
TOPICS: Final = "BC_EVENTS_TOPICS"
OUTBOX: Final = "BC_EVENTS_OUTBOX"
_CUTOFF: Final = 0.92  # one or two letters differ
_VARIABLES: Final = (API_URL, SERVICE_NAME, TOPICS, OUTBOX)

_configuring = threading.RLock()
_configured: EventClient | None = None
_make: Callable[[], EventClient] | None = None
_overrides: tuple[_Overriding, ...] = ()


def _renew() -> None:
    global _configuring  # noqa: PLW0603  another thread of the parent may hold it for ever
    _configuring = threading.RLock()


forks.after_fork(_renew)


@overload
def configure(client: EventClient) -> EventClient: ...
@overload
def configure(
    *,
    api_url: str | None,
    service_name: str,
    topic_definitions: Definitions | TopicTable,
    **options: Unpack[ClientOptions],
) -> EventClient: ...
def configure(client: EventClient | None = None, **settings: Unpack[ClientSettings]) -> EventClient:
    """Makes `client`, or `EventClient(**settings)`, the process's default one, and returns it."""
    global _configured  # noqa: PLW0603  a process has one default client
    if (client is None) == (not settings):
        raise ConfigurationError("configure takes either a client, or the keyword arguments of EventClient")
    client = _made(settings) if client is None else checked_client(client, "configure")
    with _configuring:
        _configured = client
    return client


def configure_later(make: Callable[[], EventClient]) -> None:
    """Sets a function that makes the default client when it is first needed: for frameworks with settings.

    It replaces an earlier function, and a client from `configure`.
    """
    global _configured, _make
    with _configuring:
        _configured, _make = None, make


def default_client() -> EventClient:
    """The client of an `override`, else the configured one, else one that is made now and kept.

    The function given to `configure_later` makes it, else BC_EVENTS_* describe it. Raises `ConfigurationError` where
    there is neither.
    """
    global _configured  # noqa: PLW0603  a process has one default client
    overrides = _overrides
    if overrides:
        return overrides[-1].client
    if _configured is not None:
        return _configured
    with _configuring:
        if _configured is None:
            _configured = (_make or from_environment)()
        return _configured


def is_configured() -> bool:
    """Whether code has set the default client, or a function that makes it."""
    return bool(_overrides or _configured or _make)


def known_client() -> EventClient | None:
    """The default client, if it has been made. This function makes none."""
    overrides = _overrides
    return overrides[-1].client if overrides else _configured


def from_environment() -> EventClient:
    """A client made from BC_EVENTS_*. Raises `ConfigurationError` where some are missing or wrong."""
    return _made(_environment(os.environ))


def _made(settings: Mapping[str, Any]) -> EventClient:
    _refuse_unknown(settings)
    missing = [name for name in ("api_url", "service_name", "topic_definitions") if name not in settings]
    if missing:
        raise ConfigurationError(
            f"EventClient also needs {' and '.join(missing)} ({LOG_ONLY} as api_url only logs events)"
        )
    return _client_class()(**settings)


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    from bc_events._config.settings import ClientSettings  # noqa: PLC0415  a client that was made needs not load it

    known = ClientSettings.__annotations__
    for name in settings:
        if name not in known:
            raise ConfigurationError(suggestions.of_argument(name, known, owner="EventClient"))


def checked_client(client: object, name: str) -> EventClient:
    """`client`, an argument of the function `name`. Raises `ConfigurationError` where it is not an EventClient."""
    if not isinstance(client, _client_class()):
        raise ConfigurationError(
            f"{name} was given {check.shown(client)}; give it EventClient(api_url, service_name, topic_definitions)"
        )
    return client


@cache
def _client_class() -> type[EventClient]:
    """Imported late: `client` loads the schema checker, and `import bc_events.events` must stay fast."""
    from bc_events.client import EventClient  # noqa: PLC0415

    return EventClient


def _environment(environment: Mapping[str, str]) -> dict[str, Any]:
    _refuse_misspelt(environment)
    missing = [name for name in (API_URL, SERVICE_NAME, TOPICS) if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"no events client is configured and {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set; "
            "call events.configure(EventClient(api_url, service_name, topic_definitions)) when the service starts, "
            f"or set {API_URL} ({LOG_ONLY} only logs events), {SERVICE_NAME} and {TOPICS}"
        )
    is_log_only = environment[API_URL] == LOG_ONLY  # ignores the outbox: changing this one variable is enough
    return {
        "api_url": environment[API_URL],
        "service_name": environment[SERVICE_NAME],
        "topic_definitions": environment[TOPICS],
        "outbox": None if is_log_only else environment.get(OUTBOX) or None,
    }


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    """Raises `ConfigurationError` for a misspelt variable of this library, if the right one is not set."""
    unset = [name for name in _VARIABLES if not environment.get(name)]
    for name in environment:
        if not name.upper().startswith("BC"):
            continue
        right = suggestions.meant(name.upper(), unset, cutoff=_CUTOFF)
        if right is not None and not name.startswith(right):  # such as BC_EVENTS_OUTBOX_PATH, a variable of the service
            raise ConfigurationError(
                f"the environment has {printable(name)}, which nothing reads; did you mean {right}?"
            )


class Override:
    """Another default client while it is open, in every thread: for tests. Works as `with`, `async with` and `@`."""

    outlasts_call: ClassVar[bool] = False

    def __init__(self, client: EventClient) -> None:
        self._client = client

    def open(self, _args: tuple[Any, ...] = (), _kwargs: Mapping[str, Any] | None = None) -> _Overriding:
        return _Overriding(self._client, self)

    def __enter__(self) -> EventClient:
        self.open()
        return self._client

    def __exit__(self, *_exception: object) -> None:
        innermost = next(overriding for overriding in reversed(_overrides) if overriding.opener is self)
        innermost.close(None)

    async def __aenter__(self) -> EventClient:
        return self.__enter__()

    async def __aexit__(self, *_exception: object) -> None:
        self.__exit__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        from .decorator import decorate  # noqa: PLC0415  loads inspect, which only decorators need

        return decorate(self, function)


class _Overriding:
    """One use of an override; several may overlap, and end in any order."""

    def __init__(self, client: EventClient, opener: Override) -> None:
        self.client = client
        self.opener = opener
        self.resume()

    def resume(self) -> None:
        global _overrides  # noqa: PLW0603  a process has one default client
        with _configuring:
            _overrides = (*_overrides, self)

    def suspend(self) -> None:
        global _overrides  # noqa: PLW0603
        with _configuring:
            _overrides = tuple(one for one in _overrides if one is not self)

    def close(self, _error: BaseException | None) -> None:
        self.suspend()

    async def aclose(self, _error: BaseException | None) -> None:
        self.suspend()
