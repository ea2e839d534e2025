"""RequestActor: who acts in a request, looked up only where something is published."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections
from django.utils.functional import LazyObject, empty

from bc_events.constants import ACTOR_TYPE_USER
from bc_events.errors import InvalidActorError
from bc_events.event import Actor
from bc_events.integrations._lookup import looked_up

if TYPE_CHECKING:
    from django.http import HttpRequest

    from bc_events.constants import ActorType

ActorOf = Callable[["HttpRequest"], Actor | None]
_ATTRIBUTE: Final = "_bc_events_actor"


def cognito_user(request: HttpRequest) -> Actor | None:
    """The authenticated user by their Cognito id: their `sub`, else their username, because backends for Cognito use
    the id as the username.

    A username that cannot be an actor id (of less than 5 characters) is replaced by `user-` and the primary key, which
    other services cannot know. None, so that the service acts, where nobody is authenticated.
    """
    user = _user(request)
    if user is None or not user.is_authenticated:
        return None
    return _by_name(user) or Actor(f"user-{user.pk}", ACTOR_TYPE_USER, is_local=True)


def _by_name(user: Any) -> Actor | None:
    for name in (getattr(user, "sub", None), user.get_username()):
        if type(name) is int or isinstance(name, str | UUID):  # a relation, method or mapping of this name is no id
            with suppress(InvalidActorError):
                return Actor(str(name), ACTOR_TYPE_USER)
    return None


def _user(request: HttpRequest) -> Any:
    user = getattr(request, "user", None)
    if isinstance(user, LazyObject) and user._wrapped is empty:
        return getattr(request, "_acached_user", user)  # `await request.auser()` keeps the user here
    return user


class RequestActor:
    """A lazy actor. Async code must not query, so there a user who is not loaded yet is looked up before the flush."""

    __slots__ = ("_actor_of", "_late", "_otherwise", "_request", "is_pending")

    def __init__(self, request: HttpRequest, actor_of: ActorOf, otherwise: Actor) -> None:
        self._request = request
        self._actor_of = actor_of
        self._otherwise = otherwise
        self._late: Actor | None = None
        self.is_pending: bool = False
        setattr(request, _ATTRIBUTE, self)

    @property
    def id(self) -> str:
        return self._settled().id

    @property
    def type(self) -> ActorType:
        return self._settled().type

    @property
    def tail(self) -> bytes:
        return self._settled().tail

    def now(self) -> Actor | None:
        try:
            return self._found()
        except SynchronousOnlyOperation:
            self.is_pending = True
            return None

    def settle(self) -> None:
        """Looks up the actor of the pending events, where a look-up is allowed."""
        if self.is_pending and self._late is None:
            self._late = self._found()

    def _found(self) -> Actor:
        found: Actor | None = looked_up(self._actor_of, self._request)
        return found or self._otherwise

    def _settled(self) -> Actor:
        return self._late or self.now() or _on_a_thread(self._found)


def _on_a_thread(look_up: Callable[[], Actor]) -> Actor:
    """For a flush by hand on the event loop, which blocks anyway."""

    def work() -> Actor:
        try:
            return look_up()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1, thread_name_prefix="bc-events-actor") as thread:
        return thread.submit(work).result()


def before_login(request: HttpRequest | None, **_signal: Any) -> None:
    """Events that were published before a login are not the new user's."""
    actor = getattr(request, _ATTRIBUTE, None)
    if isinstance(actor, RequestActor) and actor.is_pending:
        actor._late = actor._late or actor._otherwise


def before_logout(request: HttpRequest | None, user: Any, **_signal: Any) -> None:
    """Events that were published before a logout are still that user's."""
    actor = getattr(request, _ATTRIBUTE, None)
    if isinstance(actor, RequestActor) and user is not None:
        actor.settle()
