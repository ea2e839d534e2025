"""WSGI (Flask and any other): one session a request, until `close()` of the response's iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Self

from bc_events._runtime import keywords
from bc_events.propagation import HTTP, Border

from . import _arguments as arguments
from ._failed_response import FailedResponseError
from ._inbound_scope import REQUEST
from ._integration import Integration
from ._status import is_success

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor

    from ._inbound_scope import InboundScope
    from ._on_delivery_error import OnDeliveryError

__all__ = ["EventsMiddleware"]

Environ = dict[str, Any]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
_UNANSWERED: Final = FailedResponseError(None)
ActorOf = Callable[[Environ], "Actor | LazyActor | None"]


class EventsMiddleware:
    """A session around each request, the body's iteration included, whichever threads it runs on.

    Before the first byte of a successful response leaves, what was published so far is sent. What the body publishes
    is sent at its `close()`.
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
        """`success` judges a response by its status: by default below 400, whatever an error handler made of it.

        Args:
            app: the application; with Flask, `app.wsgi_app = EventsMiddleware(app.wsgi_app)`.
            client: by default the process's.
            actor: the actor of a request, from its environ. While it returns None or raises, it is asked again with
                each event. None is the service. Code within may say otherwise with `events.user_context`.
            border: which headers carry the job and, where they are trusted, the actor; by default only the job.
            on_delivery_error: "raise" (a 500 where the response has not started), "log", or a callable.
        """
        arguments.refuse_asgi(app)
        self._app = app
        self._success = arguments.checked_success(success)
        arguments.check_actor(actor)
        self._actor = actor
        self._integration = Integration(client=client, border=border, on_delivery_error=on_delivery_error)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        inbound = self._integration.extract(_headers(environ))
        scope = self._integration.open_for(inbound, self._actor, environ, around=_around(environ))
        response = _Response(scope, self._success, start_response)
        environ[REQUEST] = scope
        try:
            body = self._app(environ, response.start)
        except BaseException as error:
            scope.close(error)
            raise
        return response.opened(body)


def _headers(environ: Environ) -> dict[str, Any]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if isinstance(name, str) and name.startswith("HTTP_")
    }


def _around(environ: Environ) -> object:
    """The scope of a middleware further out: also that of an ASGI application which mounts this one by a2wsgi."""
    scope = environ.get("asgi.scope")
    return environ.get(REQUEST) or (scope.get(REQUEST) if isinstance(scope, dict) else None)


class _Response:
    """A response's iterable. Its session is ambient only during each step."""

    __slots__ = (
        *("_body", "_error", "_failure", "_is_closed", "_is_settled", "_iterator", "_start_response"),
        *("_success", "_scope"),
    )

    def __init__(self, scope: InboundScope, success: Callable[[int], bool], start_response: StartResponse) -> None:
        self._scope = scope
        self._success = success
        self._start_response = start_response
        self._failure: FailedResponseError | None = _UNANSWERED
        self._is_settled = False
        self._is_closed = False
        self._error: BaseException | None = None
        self._body: Iterable[bytes] = ()
        self._iterator: Iterator[bytes] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Write:
        write = self._start_response(status, headers, *exc_info)
        code = int(status.split(maxsplit=1)[0])
        self._failure = FailedResponseError(code)  # set first, because `success` may raise
        if self._success(code):
            self._failure = None

        def settle_and_write(data: bytes) -> object:
            self._settle()
            return write(data)

        return settle_and_write

    def opened(self, body: Iterable[bytes]) -> Self:
        """Called after the application has returned.

        The application starts its response now, or with its first chunk.
        """
        self._body = body
        try:
            self._settle()
        except BaseException as error:
            self._error = error
            self._close()
            raise
        self._scope.suspend()
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        self._scope.resume()
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            chunk = next(self._iterator, None)
            self._settle()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._scope.suspend()
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Only the first call counts: a middleware may call it as well as the server."""
        if self._is_closed:
            return
        self._scope.resume()
        self._close()

    def _close(self) -> None:
        self._is_closed = True
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._scope.close(self._error or error)
            raise
        self._scope.close(self._error or self._failure)

    def _settle(self) -> None:
        """Sends or drops the pending events before the response starts. Only the first call counts."""
        if self._failure is _UNANSWERED or self._is_settled:
            return
        self._is_settled = True
        self._scope.settle(self._failure)
