"""The ambient job and actor into, and out of, headers and message attributes: one place for names, limits and trust."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, Setter, default_setter

from . import jobs
from .constants import ACTOR_ID_HEADER, ACTOR_TYPE_HEADER, ACTOR_TYPE_SERVICE, BAGGAGE_KEY, JOB_ID_HEADER, LOGGER_NAME
from .errors import InvalidActorError
from .event import Actor, LazyActor
from .frames import unit_to_join

__all__ = ["BROKER", "HTTP", "Border", "Inbound", "extract", "inject"]

_LONGEST_ACTOR_ID: Final = 255
_HEADER_TEXT: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch
_logger = logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True, slots=True)
class Border:
    """What crosses a border between services, under which names. What has no name is neither written nor believed."""

    job_id: str | None = JOB_ID_HEADER
    actor_id: str | None = None
    actor_type: str | None = None
    baggage_key: str = BAGGAGE_KEY


HTTP: Final = Border()
"""Requests: anybody may send one, so the job crosses and the actor does not."""

BROKER: Final = Border(actor_id=ACTOR_ID_HEADER, actor_type=ACTOR_TYPE_HEADER)
"""Messages: only our own services can reach the broker, so the actor crosses too."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What arrived over a border and may be believed; None where nothing usable did."""

    job_id: str | None = None
    actor: Actor | None = None


class CaseInsensitiveGetter(Getter[Mapping[str, Any]]):
    """Reads headers as HTTP and brokers have them: names in any case, values as text or bytes."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        value = carrier.get(key)
        if value is None:
            value = next((carrier[name] for name in carrier if name.lower() == key.lower()), None)
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        return [value] if isinstance(value, str) else None

    def keys(self, carrier: Mapping[str, Any]) -> list[str]:
        return list(carrier)


case_insensitive_getter: Final = CaseInsensitiveGetter()


def inject(
    carrier: MutableMapping[str, str] | object,
    border: Border = HTTP,
    *,
    setter: Setter[Any] = default_setter,
) -> None:
    """Writes the live job, with the actor where the border lets it pass, and OpenTelemetry's `traceparent` and baggage.

    Where no session is live the job is that of OpenTelemetry baggage, if any. `setter` writes one entry into a carrier
    that is no mapping of text.
    """
    propagate.inject(carrier, setter=setter)
    unit = unit_to_join()
    job_id = unit.job_id if unit is not None else jobs.from_baggage(border.baggage_key)
    if job_id is not None and border.job_id is not None:
        setter.set(carrier, border.job_id, job_id)
    if unit is not None and border.actor_id is not None and border.actor_type is not None:
        _inject_actor(carrier, unit.actor, border.actor_id, border.actor_type, setter)


def _inject_actor(carrier: object, actor: Actor | LazyActor, id_name: str, type_name: str, setter: Setter[Any]) -> None:
    """Not a service's own actor: whoever receives this acts as itself."""
    found = actor if isinstance(actor, Actor) else actor.now()
    if found is None:
        _logger.warning("the actor is not known yet and cannot travel; the receiver acts as its service")
        return
    actor = found
    if actor.type == ACTOR_TYPE_SERVICE:
        return
    if not _can_travel(actor.id):
        _logger.warning(
            "an actor id cannot stand in a header; the receiver acts as its service",
            extra={"bc_actor_type": actor.type},
        )
        return
    setter.set(carrier, id_name, actor.id)
    setter.set(carrier, type_name, actor.type)


def extract(
    carrier: Mapping[str, Any] | object,
    border: Border = HTTP,
    *,
    getter: Getter[Any] = case_insensitive_getter,
) -> Inbound:
    """Reads the job (its own header, then the carrier's baggage) and, where the border trusts it, the actor.

    What could not travel in a header, or be an actor, is ignored with a warning. It never raises.
    """
    return Inbound(_job_id(carrier, border, getter), _actor(carrier, border, getter))


def _job_id(carrier: object, border: Border, getter: Getter[Any]) -> str | None:
    value = _first(carrier, border.job_id, getter)
    found = jobs.accepted(value, border.job_id or "") if value is not None else None
    if found is not None:
        return found
    context = W3CBaggagePropagator().extract(carrier, Context(), getter)
    carried = baggage.get_baggage(border.baggage_key, context)
    return None if carried is None else jobs.accepted(carried, f"baggage {border.baggage_key}")


def _actor(carrier: object, border: Border, getter: Getter[Any]) -> Actor | None:
    actor_id = _first(carrier, border.actor_id, getter)
    actor_type = _first(carrier, border.actor_type, getter)
    if actor_id is None or actor_type is None:
        return None
    try:
        actor = Actor(actor_id, actor_type) if _can_travel(actor_id) else None
    except InvalidActorError:
        actor = None
    if actor is None:
        _logger.warning(
            "an actor from outside was not usable; the service acts instead", extra={"bc_source": border.actor_id}
        )
    return actor


def _can_travel(actor_id: str) -> bool:
    """Whether it may stand in a header as it is, at a length that no proxy cuts."""
    return len(actor_id) <= _LONGEST_ACTOR_ID and _HEADER_TEXT(actor_id) is not None


def _first(carrier: object, name: str | None, getter: Getter[Any]) -> str | None:
    found = getter.get(carrier, name) if name is not None else None
    return next(iter(found), None) if found else None
