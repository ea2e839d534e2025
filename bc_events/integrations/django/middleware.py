"""EventsMiddleware: one session a request, for synchronous and asynchronous views and streaming responses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import FileResponse, StreamingHttpResponse

from .following import follow_settings
from .request_scope import RequestScope
from .settings import EventsSettings
from .streaming import AsyncStream, Stream

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_ATTRIBUTE = "_bc_events_exchange"


class EventsMiddleware:
    """Sends what a request published when its response is ready, or when its stream ends.

    What is published inside `atomic` is sent if that commits, whatever the response looks like; what is published
    outside, unless the view raises or `BC_EVENTS["SUCCESS"]` says that the response is one of failure.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Raises `ConfigurationError` where settings.BC_EVENTS has mistakes."""
        self._get_response = get_response
        settings = EventsSettings.read()
        self._integration = settings.integration()
        self._actor_of = settings.actor_of
        self._success = settings.success
        follow_settings()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if _has_passed(request):
            return cast("HttpResponseBase | Awaitable[HttpResponseBase]", self._get_response(request))
        if self._is_async:
            return self._acall(request)
        request_scope = self._open(request)
        try:
            response: HttpResponseBase = self._get_response(request)
        except BaseException as error:
            request_scope.error = error
            request_scope.close(None)
            raise
        if not _streams(response):
            request_scope.close(response)
        return response if not _streams(response) else _streaming(response, request_scope)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        request_scope = self._open(request)
        try:
            response: HttpResponseBase = await self._get_response(request)
        except asyncio.CancelledError as error:
            await request_scope.acancel(error)
            raise
        except BaseException as error:
            request_scope.error = error
            await request_scope.aclose(None)
            raise
        if not _streams(response):
            await request_scope.aclose(response)
        return response if not _streams(response) else _streaming(response, request_scope)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A view raised. Django turns that into a response before this middleware sees it."""
        request_scope = getattr(request, _ATTRIBUTE, None)
        if request_scope is not None:
            request_scope.error = exception

    def _open(self, request: HttpRequest) -> RequestScope:
        request_scope = RequestScope(request, self._integration, self._actor_of, self._success)
        setattr(request, _ATTRIBUTE, request_scope)
        return request_scope


def _has_passed(request: HttpRequest) -> bool:
    """Whether the request has passed this middleware already: it may be listed twice, and one request is one job."""
    request_scope = getattr(request, _ATTRIBUTE, None)
    return request_scope is not None and request_scope.is_open


def _streams(response: HttpResponseBase) -> bool:
    """Whether the body is made while it is sent. A file exists already, and servers send it in their own way."""
    return response.streaming and not isinstance(response, FileResponse)


def _streaming(response: HttpResponseBase, request_scope: RequestScope) -> HttpResponseBase:
    streaming = cast("StreamingHttpResponse", response)
    request_scope.response = response
    body: Any = streaming.streaming_content
    streaming.streaming_content = (
        AsyncStream(request_scope, body) if isinstance(body, AsyncIterator) else Stream(request_scope, body)
    )
    return response
