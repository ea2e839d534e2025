"""ASGI (FastAPI, Starlette and any other): one session a request, and one a websocket message by `message_session`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import argument_checks as check, keywords
from bc_events.errors import ConfigurationError
from bc_events.propagation import HTTP, Border

from . import _arguments as arguments
from ._failed_response import FailedResponseError
from ._inbound_scope import REQUEST
from ._integration import Integration
from ._status import is_success

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession

    from ._inbound_scope import InboundScope
    from ._on_delivery_error import OnDeliveryError

__all__ = ["EventsMiddleware", "message_session"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
ActorOf = Callable[[Mapping[str, Any]], "Actor | LazyActor | None"]

_KEY: Final = "bc_events"
_UNANSWERED: Final = FailedResponseError(None)


class EventsMiddleware:
    """A session around each HTTP request, background tasks included.

    The start of a successful response waits until what was published so far is sent. Afterwards streaming bodies and
    background tasks may publish more, which is sent when the application returns.
    """

    @keywords.checked
    def __init__(
        self,
        app: Application,
        *,
        client: EventClient | None = None,
        success: Callable[[int], bool] = is_success,
        actor: ActorOf | None = None,
        border: Border = HTTP,
        on_delivery_error: OnDeliveryError = "raise",
    ) -> None:
        """`success` judges a response by its status: by default below 400.

        Args:
            app: the application; with Starlette and FastAPI, `app.add_middleware(EventsMiddleware)` gives it.
            client: by default the process's.
            actor: the actor of a request, from its ASGI scope. While it returns None or raises, it is asked again
                with each event. None is the service. Code within may say otherwise with `events.user_context`.
            border: which headers carry the job and, where they are trusted, the actor; by default only the job.
            on_delivery_error: "raise" (a 500 where the response has not started), "log", or a callable.
        """
        arguments.refuse_wsgi(app)
        self._app = app
        self._success = arguments.checked_success(success)
        arguments.check_actor(actor)
        self._entry = _Entry(Integration(client=client, border=border, on_delivery_error=on_delivery_error), actor)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            connection = _ASGIConnection(self._entry, send)
            await self._app({**scope, _KEY: connection}, receive, connection.send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        inbound_scope = self._entry.open(scope, around=scope.get(REQUEST))
        request = _HTTPRequest(inbound_scope, self._success, receive, send)
        scope[REQUEST] = inbound_scope
        try:
            await self._app(scope, request.receive, request.send)
        except BaseException as error:
            await inbound_scope.aclose(request.failure(error))
            raise
        await inbound_scope.aclose(request.failure(None))


@asynccontextmanager
async def message_session(connection: Mapping[str, Any]) -> AsyncIterator[EventSession]:
    """A session around the work for one websocket message.

    `connection` is the ASGI scope, or Starlette's `WebSocket`. The job is that of the handshake's headers, else a new
    one for each message. An error that only says that the client has left is no failure. Raises `ConfigurationError`
    where `EventsMiddleware` is not around the application.
    """
    check.instance("connection", connection, Mapping, example="the ASGI scope, or Starlette's WebSocket")
    found: _ASGIConnection | None = connection.get(_KEY)
    if found is None:
        raise ConfigurationError(
            "this websocket did not come through EventsMiddleware; wrap the application in it, or open events.session()"
        )
    inbound_scope = found.entry.open(connection)
    try:
        yield inbound_scope.session
    except BaseException as error:
        await inbound_scope.aclose(None if _stems_from(error, found.lost) else error)
        raise
    await inbound_scope.aclose(None)


class _ASGIConnection:
    """One websocket."""

    __slots__ = ("_send", "entry", "lost")

    def __init__(self, entry: _Entry, send: Send) -> None:
        self._send = send
        self.entry = entry
        self.lost: OSError | None = None

    async def send(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            self.lost = error
            raise


class _Entry:
    """How a connection gets its scope."""

    __slots__ = ("_actor", "_integration")

    def __init__(self, integration: Integration, actor: ActorOf | None) -> None:
        self._integration = integration
        self._actor = actor

    def open(self, scope: Mapping[str, Any], *, around: object = None) -> InboundScope:
        inbound = self._integration.extract(scope.get("headers"))
        return self._integration.open_for(inbound, self._actor, scope, around=around)


class _HTTPRequest:
    """One request, and the state of its response."""

    __slots__ = ("_failure", "_is_client_gone", "_lost", "_receive", "_scope", "_send", "_success")

    def __init__(
        self, inbound_scope: InboundScope, success: Callable[[int], bool], receive: Receive, send: Send
    ) -> None:
        self._scope = inbound_scope
        self._success = success
        self._receive = receive
        self._send = send
        self._failure: FailedResponseError | None = _UNANSWERED
        self._is_client_gone = False
        self._lost: OSError | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._is_client_gone = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._failure = FailedResponseError(message["status"])  # set first, because `success` may raise
            if self._success(message["status"]):
                self._failure = None
            await self._scope.asettle(self._failure)
        try:
            await self._send(message)
        except OSError as error:  # how a server says that the client has left, since version 2.4 of the ASGI spec
            self._lost = error
            raise

    def failure(self, error: BaseException | None) -> BaseException | None:
        """Why the request failed, or None. A client that has left is no failure of the application."""
        if error is not None and not _stems_from(error, self._lost):
            return error
        return None if self._failure is _UNANSWERED and self._is_client_gone else self._failure


def _stems_from(error: BaseException | None, lost: OSError | None) -> bool:
    """Whether an error was caused by the lost connection. Frameworks raise their own error from it, or group it."""
    if error is None or lost is None:
        return False
    if isinstance(error, BaseExceptionGroup):
        return all(_stems_from(part, lost) for part in error.exceptions)
    return error is lost or _stems_from(error.__cause__ or error.__context__, lost)
