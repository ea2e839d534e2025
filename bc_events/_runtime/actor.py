"""Actor: who did it. LazyActor: looks up who did it when an event is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from bc_events.constants import ACTOR_ID_MIN_LENGTH, ACTOR_TYPE_USER, ACTOR_TYPES, MAX_REQUEST_BYTES
from bc_events.errors import InvalidActorError, counted, kind_of, printable

from . import argument_checks as check

if TYPE_CHECKING:
    from bc_events.constants import ActorType


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user (their Cognito user id), a service or a third party (its service name).

    The id of an actor that `is_local`, such as a primary key, means nothing to other services. It is not sent to them.
    """

    id: str
    type: ActorType
    is_local: bool = field(default=False, kw_only=True, repr=False, compare=False)
    tail: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given_id, given_type = _exact(self.id), _exact(self.type)
        object.__setattr__(self, "id", given_id)
        object.__setattr__(self, "type", given_type)
        if type(given_id) is not str or len(given_id) < ACTOR_ID_MIN_LENGTH or given_id.isspace():
            raise InvalidActorError(
                f"the actor id of a {given_type} is {_shape(given_id)}; the Events API takes strings of "
                f"{ACTOR_ID_MIN_LENGTH} characters or more: pass {_REMEDIES.get(given_type, _REMEDY)}"
            )
        if type(given_type) is not str or given_type not in ACTOR_TYPES:
            shown = printable(repr(given_type)) if isinstance(given_type, str) else kind_of(given_type)
            raise InvalidActorError(f"actor type is {shown}; give one of {', '.join(sorted(ACTOR_TYPES))}")
        check.flag("is_local", self.is_local)
        object.__setattr__(self, "tail", _tail(given_id, given_type))


_REMEDY: Final = "the name of the service"
_REMEDIES: Final = {
    ACTOR_TYPE_USER: "the Cognito user id (`sub`) or, for users who have none, a key with a prefix, such as "
    'f"user-{user.pk}"'
}


def _exact(value: Any) -> Any:
    """An instance of a subclass of str as a plain str: the subclass may print another text than it holds."""
    return str.__str__(value) if issubclass(type(value), str) else value


def _shape(value: object) -> str:
    if not isinstance(value, str):
        return kind_of(value)
    if not value.strip():
        return "only white space" if value else "empty"
    return f"{counted(len(value), 'character')} long"


def _tail(actor_id: str, actor_type: str) -> bytes:
    if len(actor_id) > MAX_REQUEST_BYTES:
        raise InvalidActorError(
            f"the actor id of a {actor_type} is {len(actor_id)} characters long, but a whole request has at most "
            f"{MAX_REQUEST_BYTES} bytes; give a user's Cognito user id, or the service's name"
        )
    try:
        return b',"actor":' + orjson.dumps({"id": actor_id, "type": actor_type}) + b"}"
    except orjson.JSONEncodeError as error:
        raise InvalidActorError(f"the actor id of a {actor_type} cannot be written as JSON text") from error


class LazyActor(Protocol):
    """An actor that is looked up when each event is published, such as the user of a request.

    `id`, `type` and `tail` are those of the actor at the moment when they are read.
    """

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> ActorType: ...
    @property
    def tail(self) -> bytes: ...
    def now(self) -> Actor | None:
        """The actor of this moment. None if it is known only at the flush; the event reads it then."""
