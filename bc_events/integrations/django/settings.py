"""settings.BC_EVENTS, read and checked."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from django.conf import settings
from django.utils.module_loading import import_string

from bc_events._ambient.default_client import API_URL, SERVICE_NAME, TOPICS, from_environment
from bc_events._runtime import suggestions
from bc_events.client import EventClient
from bc_events.constants import LOG_ONLY
from bc_events.errors import ConfigurationError, kind_of
from bc_events.integrations._integration import Integration
from bc_events.propagation import HTTP

from .actor import ActorOf, cognito_user
from .success import Success, is_success
from .transactions import follow_transactions

NAME: Final = "BC_EVENTS"
REQUIRED: Final = ("API_URL", "SERVICE_NAME", "TOPICS")
KEYS: Final = {
    "API_URL": "the Events API; None only logs",
    "SERVICE_NAME": "this service's name, and its id as an actor",
    "TOPICS": "the topic definitions: a path, or a mapping",
    "OUTBOX": '"django", "django:alias", or what EventClient(outbox=…) takes; None sends when the request ends',
    "AUTH": "as EventClient(auth=…)",
    "CLIENT": "a mapping of more keyword arguments for EventClient",
    "ACTOR": "a callable that is given a request and returns its Actor, or None for the service",
    "SUCCESS": "a callable that is given a response, and tells whether its request succeeded",
    "BORDER": "which headers are believed: a bc_events.propagation.Border",
    "ON_DELIVERY_ERROR": '"raise", "log", or a callable that is given the DeliveryError',
}
"""The callables and the border may be dotted paths."""
_HAVE_KEYS: Final = frozenset({"api_url", "service_name", "topic_definitions"})


@dataclass(frozen=True, slots=True)
class EventsSettings:
    """The settings in BC_EVENTS. Without it the client comes from the BC_EVENTS_* environment or `events.configure`."""

    given: Mapping[str, Any]

    @classmethod
    def read(cls) -> Self:
        """Raises `ConfigurationError` where the names are wrong."""
        given = getattr(settings, NAME, {})
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"settings.{NAME} is {kind_of(given)}; make it a mapping of {_listed()}")
        unknown = [key for key in given if key not in KEYS]
        if unknown:
            raise ConfigurationError(f"settings.{NAME} has no key {_with_closest(unknown[0])}; it knows {_listed()}")
        missing = [key for key in REQUIRED if key not in given]
        if given and missing:
            raise ConfigurationError(f"settings.{NAME} lacks {' and '.join(missing)} (API_URL=None only logs events)")
        return cls(given)

    @property
    def actor_of(self) -> ActorOf:
        return cast("ActorOf", self._callable("ACTOR", cognito_user))

    @property
    def success(self) -> Success:
        return cast("Success", self._callable("SUCCESS", is_success))

    def integration(self) -> Integration:
        """How requests come in."""
        on_delivery_error = self.given.get("ON_DELIVERY_ERROR", "raise")
        if on_delivery_error not in ("raise", "log"):
            on_delivery_error = self._resolved("ON_DELIVERY_ERROR")
        return Integration(border=self._resolved("BORDER", HTTP), on_delivery_error=on_delivery_error)

    def client(self, **changed: Any) -> EventClient:
        """A new client, which follows Django's transactions."""
        if not self.given:
            _refuse_nothing()
            return follow_transactions(from_environment())
        arguments: dict[str, Any] = {"outbox": self.given.get("OUTBOX"), "auth": self._resolved("AUTH")}
        arguments |= {**self._more(), **changed}
        client = EventClient(self.given["API_URL"], self.given["SERVICE_NAME"], self.given["TOPICS"], **arguments)
        return follow_transactions(client)

    def _more(self) -> Mapping[str, Any]:
        """The keyword arguments of `EventClient` that have no key here."""
        more = self.given.get("CLIENT", {})
        if not isinstance(more, Mapping):
            raise ConfigurationError(f"settings.{NAME}['CLIENT'] is {kind_of(more)}; make it a mapping")
        known = [name for name in inspect.signature(EventClient).parameters if name not in _HAVE_KEYS]
        unknown = [key for key in more if key not in known]
        if unknown:
            closest = suggestions.meant(str(unknown[0]), known, cutoff=0.6)
            hint = f"did you mean {closest}?" if closest else f"EventClient takes {', '.join(known)}"
            raise ConfigurationError(f"settings.{NAME}['CLIENT'] has {unknown[0]!r}; {hint}")
        return more

    def _callable(self, key: str, default: Callable[..., Any]) -> Any:
        found: Any = self._resolved(key, default)
        if callable(found):
            return found
        raise ConfigurationError(
            f"settings.{NAME}[{key!r}] is {kind_of(found)}; give a callable, or the dotted path of one"
        )

    def _resolved(self, key: str, default: Any = None) -> Any:
        value = self.given.get(key)
        if not isinstance(value, str):
            return default if value is None else value
        try:
            return import_string(value)
        except ImportError as error:
            raise ConfigurationError(
                f"settings.{NAME}[{key!r}] cannot be imported ({error}); give {KEYS[key]}, or a dotted path"
            ) from error


def default_client() -> EventClient:
    """The client that settings describe."""
    return EventsSettings.read().client()


def _refuse_nothing() -> None:
    """Raises `ConfigurationError` where neither the settings nor the environment say anything."""
    if not any(os.environ.get(name) for name in (API_URL, SERVICE_NAME, TOPICS)):
        near = suggestions.meant(NAME, [name for name in dir(settings) if name.isupper()])
        if near is not None:
            raise ConfigurationError(f"settings.{NAME} is missing, and nothing reads settings.{near}; rename it")
        raise ConfigurationError(
            f'settings.{NAME} is missing; define it, such as {NAME} = {{"API_URL": "{LOG_ONLY}", "SERVICE_NAME": '
            f'"PolicyService", "TOPICS": BASE_DIR / "topics.yaml"}}, or set {API_URL}, {SERVICE_NAME} and {TOPICS} in '
            "the environment"
        )


def _listed() -> str:
    return ", ".join(KEYS)


def _with_closest(key: object) -> str:
    closest = difflib.get_close_matches(str(key).upper(), KEYS, n=1)
    return f"{key!r} (did you mean {closest[0]}?)" if closest else repr(key)
