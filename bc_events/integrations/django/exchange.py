"""Exchange: one request, its session, and what is known of the view's success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, sync_to_async

from bc_events.configuration import default_client
from bc_events.integrations.edge import FailedResponseError
from bc_events.propagation import extract

from .actor import RequestActor
from .transactions import follow_transactions

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from bc_events.integrations.edge import Edge

    from .actor import ActorOf


class Exchange:
    """Open from the request's arrival to the end of its response."""

    __slots__ = ("_actor", "_request", "_work", "error", "resume", "suspend")

    def __init__(self, request: HttpRequest, edge: Edge, actor_of: ActorOf) -> None:
        client = follow_transactions(edge.client or default_client())
        self._request = request
        inbound = extract(request.headers, edge.border)
        self._actor = RequestActor(request, actor_of, inbound.actor or client.service_actor)
        self._work = edge.open(inbound, actor=self._actor)
        self.resume = self._work.resume
        self.suspend = self._work.suspend
        self.error: BaseException | None = None

    def close(self, response: HttpResponseBase | None) -> None:
        """Ends the session. Where a transaction was open it decides alone; elsewhere the view must not have raised."""
        try:
            self._actor.settle()
        except BaseException as error:
            self._work.close(error)
            raise
        self._work.close(self._failure(response))

    async def aclose(self, response: HttpResponseBase | None) -> None:
        """`close`, off the event loop."""
        try:
            if self._actor.is_pending:
                await self._settle()
        except BaseException as error:
            await self._work.aclose(error)
            raise
        await self._work.aclose(self._failure(response))

    async def acancel(self, error: BaseException) -> None:
        """Ends the session of a request whose client left.

        An asynchronous view was stopped. A synchronous one runs on to its end, which is awaited on its own thread.
        """
        try:
            await self._settle()
        finally:
            if self._has_async_view():
                self.error = error
            await self._work.aclose(self.error)

    async def _settle(self) -> None:
        await sync_to_async(self._actor.settle, thread_sensitive=True)()

    def _has_async_view(self) -> bool:
        match: Any = self._request.resolver_match
        return match is None or iscoroutinefunction(match.func) or getattr(match.func, "view_is_async", False)

    def _failure(self, response: HttpResponseBase | None) -> BaseException | None:
        """Why the view failed. Django REST framework marks the responses that it makes of exceptions."""
        if self.error is None and getattr(response, "exception", False) is True:
            return FailedResponseError(response.status_code if response is not None else None)
        return self.error
