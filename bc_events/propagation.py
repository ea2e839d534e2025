"""Write the ambient job and actor into headers and message attributes, and read them from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import baggage, propagate
from opentelemetry.propagators.textmap import Getter, Setter, default_setter

from ._ambient.default_client import checked_client, default_client
from ._ambient.frames import unit_to_join
from ._runtime import argument_checks as check, job_ids, keywords, logs
from ._runtime.carrier import case_insensitive_getter, only_baggage_member, only_value
from .constants import ACTOR_ID_HEADER, ACTOR_TYPE_HEADER, ACTOR_TYPE_SERVICE, BAGGAGE_KEY, JOB_ID_HEADER
from .errors import ConfigurationError, InvalidActorError
from .event import Actor, LazyActor

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from .client import EventClient
    from .constants import ActorType

__all__ = ["BROKER", "HTTP", "Border", "Inbound", "extract", "inject"]

_LONGEST_ACTOR_ID: Final = 255
_HEADER_TEXT: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch
_JOIN: Final = ","
_logger = logs.logger


@keywords.checked_class
@dataclass(frozen=True, slots=True)
class Border:
    """The headers in which job and actor cross a border between services. None: not written, and ignored on arrival.

    The key of the job id in baggage is not set here, but by `EventClient(baggage_key=…)`.
    """

    job_id: str | None = JOB_ID_HEADER
    actor_id: str | None = None
    actor_type: str | None = None

    def __post_init__(self) -> None:
        for name in ("job_id", "actor_id", "actor_type"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable() and value):
                raise check.wrong(name, value, f"the name of a header, such as {JOB_ID_HEADER}, or None")


HTTP: Final = Border()
"""For HTTP requests. Anybody can send one, so the job crosses and the actor does not."""

BROKER: Final = Border(actor_id=ACTOR_ID_HEADER, actor_type=ACTOR_TYPE_HEADER)
"""For messages. Only our own services can reach the broker, so the actor crosses too."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """The job and actor that arrived over a border; None where the value was missing, unusable or not trusted."""

    job_id: str | None = None
    actor: Actor | None = None


@keywords.checked
def inject(
    carrier: MutableMapping[str, str] | object,
    border: Border = HTTP,
    *,
    client: EventClient | None = None,
    setter: Setter[Any] = default_setter,
) -> None:
    """Writes the job and, if the border has headers for it, the actor; and OpenTelemetry's `traceparent` and baggage.

    Where no session is live, the job id is that in OpenTelemetry baggage, if any, under the key of `client`. The client
    is by default that of the process. `setter` writes one entry into a carrier that is not a mapping of strings.
    """
    check.instance("border", border, Border, example="a Border, such as HTTP")
    if client is not None:
        checked_client(client, "client")
    if not callable(getattr(setter, "set", None)):
        raise check.wrong("setter", setter, "a Setter of OpenTelemetry")
    if setter is default_setter and (not hasattr(carrier, "__setitem__") or isinstance(carrier, list)):
        raise check.wrong("carrier", carrier, "a dictionary of headers, or a setter that writes into it")
    propagate.inject(carrier, setter=setter)
    unit = unit_to_join()
    job_id = unit.job_id if unit is not None else _ambient_job_id(client)
    if job_id is not None and border.job_id is not None:
        _inject_job_id(carrier, job_id, border.job_id, setter)
    if unit is not None and border.actor_id is not None and border.actor_type is not None:
        _inject_actor(carrier, unit.actor, border.actor_id, border.actor_type, setter)


def _ambient_job_id(client: EventClient | None) -> str | None:
    return job_ids.from_baggage(_baggage_key(client)) if baggage.get_all() else None


def _baggage_key(client: EventClient | None) -> str:
    """The key of the client. The default key where there is no client: carriers can be read without one."""
    if client is not None:
        return client.baggage_key
    try:
        return default_client().baggage_key
    except ConfigurationError:
        return BAGGAGE_KEY


def _inject_job_id(carrier: object, job_id: str, name: str, setter: Setter[Any]) -> None:
    if _JOIN in job_id:
        _logger.warning("a job id that contains a comma travels in baggage alone: in a header it would read as two")
        return
    setter.set(carrier, name, job_id)


def _inject_actor(carrier: object, actor: Actor | LazyActor, id_name: str, type_name: str, setter: Setter[Any]) -> None:
    """Writes the actor, unless it is a service: the receiver then acts as itself."""
    found = actor if isinstance(actor, Actor) else _found(actor)
    if found is None or found.type == ACTOR_TYPE_SERVICE:
        return
    if found.is_local:
        _logger.warning(
            "the actor's id means nothing to other services and does not travel; the receiver acts as its service"
        )
        return
    if not _is_header_text(found.id) or _JOIN in found.id:
        _logger.warning(
            "the id of an actor of type %s cannot stand in a header; the receiver acts as its service",
            found.type,
            extra={"bc_actor_type": found.type},
        )
        return
    setter.set(carrier, id_name, found.id)
    setter.set(carrier, type_name, found.type)


def _found(actor: LazyActor) -> Actor | None:
    """The actor of this moment. A lookup that fails is logged, and the message is sent without an actor."""
    try:
        found = actor.now()
    except Exception:
        _logger.warning("the actor could not be looked up; the receiver acts as its service", exc_info=True)
        return None
    if found is None:
        _logger.warning("the actor is not known yet and cannot travel; the receiver acts as its service")
    return found


@keywords.checked
def extract(
    carrier: Mapping[str, Any] | object,
    border: Border = HTTP,
    *,
    client: EventClient | None = None,
    getter: Getter[Any] = case_insensitive_getter,
) -> Inbound:
    """Reads the job from its header, else from the carrier's baggage; and the actor, if the border has headers for it.

    It ignores, with a warning, a value that came twice, that a header cannot carry, or that cannot be an actor. No
    carrier makes it raise. The baggage key is that of `client`, by default that of the process's client.
    """
    check.instance("border", border, Border, example="a Border, such as HTTP")
    if client is not None:
        checked_client(client, "client")
    if not callable(getattr(getter, "get", None)):
        raise check.wrong("getter", getter, "a Getter of OpenTelemetry")
    return Inbound(_job_id(carrier, border, client, getter), _actor(carrier, border, getter))


def usable_actor(actor_id: object, actor_type: object, source: str) -> Actor | None:
    """The actor that arrived from outside. None, with a warning, where it is unusable: the service acts instead."""
    try:
        if isinstance(actor_id, str) and isinstance(actor_type, str) and _is_header_text(actor_id):
            return Actor(actor_id, cast("ActorType", actor_type))  # Actor refuses any other
    except InvalidActorError:
        pass
    _logger.warning("the actor in %s is not usable; the service acts instead", source, extra={"bc_source": source})
    return None


def _job_id(carrier: object, border: Border, client: EventClient | None, getter: Getter[Any]) -> str | None:
    value = only_value(carrier, border.job_id, getter)
    found = job_ids.accepted(value, border.job_id or "") if value is not None else None
    if found is not None:
        return found
    carried = only_baggage_member(carrier, lambda: _baggage_key(client), getter)
    return None if carried is None else job_ids.accepted(carried, "baggage")


def _actor(carrier: object, border: Border, getter: Getter[Any]) -> Actor | None:
    actor_id = only_value(carrier, border.actor_id, getter)
    actor_type = only_value(carrier, border.actor_type, getter)
    if actor_id is None and actor_type is None:
        return None
    return usable_actor(actor_id, actor_type, str(border.actor_id))


def _is_header_text(value: str) -> bool:
    """Whether a header can carry it unchanged, and it is short enough for every proxy."""
    return len(value) <= _LONGEST_ACTOR_ID and _HEADER_TEXT(value) is not None
