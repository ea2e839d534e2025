"""RequestScope: one request, its session, and what is known of the view's success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, sync_to_async

from bc_events._ambient.default_client import default_client
from bc_events.integrations._failed_response import FailedResponseError
from bc_events.integrations._inbound_scope import REQUEST
from bc_events.propagation import extract

from .actor import RequestActor
from .transactions import follow_transactions

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from bc_events.integrations._integration import Integration

    from .actor import ActorOf
    from .success import Success


class RequestScope:
    """Open from the request's arrival to the end of its response."""

    __slots__ = ("_actor", "_request", "_success", "_work", "error", "response", "resume", "suspend")

    def __init__(self, request: HttpRequest, integration: Integration, actor_of: ActorOf, success: Success) -> None:
        around = _around(request)
        client = follow_transactions(integration.client_around(around) or default_client())
        self._request = request
        self._success = success
        inbound = extract(request.headers, integration.border, client=client)
        self._actor = RequestActor(request, actor_of, inbound.actor or client.service_actor)
        self._work = integration.open(inbound, actor=self._actor, around=around)
        self.resume: Callable[[], None] = self._work.resume
        self.suspend: Callable[[], None] = self._work.suspend
        self.response: HttpResponseBase | None = None
        self.error: BaseException | None = None

    @property
    def is_open(self) -> bool:
        return not self._work.session.is_closed

    def close(self, response: HttpResponseBase | None) -> None:
        """Ends the session. If a transaction was open, it alone decides. Otherwise the view must not have raised."""
        try:
            if self._is_actor_due():
                self._actor.settle()
            failure = self._failure(response)
        except BaseException as error:
            self._work.close(error)
            raise
        self._work.close(failure)

    async def aclose(self, response: HttpResponseBase | None) -> None:
        """`close`, off the event loop."""
        try:
            if self._is_actor_due():
                await self._settle()
            failure = self._failure(response)
        except BaseException as error:
            await self._work.aclose(error)
            raise
        await self._work.aclose(failure)

    async def acancel(self, error: BaseException) -> None:
        """Ends the session of a request whose client left.

        An asynchronous view was stopped. A synchronous one runs on to its end, which is awaited on its own thread.
        """
        try:
            await self._settle()  # it runs after the view, which may still be running on a separate thread
        finally:
            if self._has_async_view():
                self.error = error
            await self._work.aclose(self.error)

    def _is_actor_due(self) -> bool:
        """Whether events wait for the actor: a lookup that nothing needs must not break the request."""
        return self._actor.is_pending and bool(self._work.session.events)

    async def _settle(self) -> None:
        await sync_to_async(self._actor.settle, thread_sensitive=True)()

    def _has_async_view(self) -> bool:
        match: Any = self._request.resolver_match
        return match is None or iscoroutinefunction(match.func) or getattr(match.func, "view_is_async", False)

    def _failure(self, response: HttpResponseBase | None) -> BaseException | None:
        """Why the view failed."""
        response = response or self.response
        if self.error is None and response is not None and not self._success(response):
            return FailedResponseError(response.status_code)
        return self.error


def _around(request: HttpRequest) -> object:
    """The scope of a middleware around Django, in the same process: in the ASGI scope, or in the WSGI environ."""
    return getattr(request, "scope", {}).get(REQUEST) or request.META.get(REQUEST)
