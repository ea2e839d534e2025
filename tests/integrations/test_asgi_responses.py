"""ASGI responses on a real server: they wait for events; events of one that fails, or whose client leaves."""

import asyncio
import logging

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from bc_events import ConfigurationError, events
from bc_events.integrations.asgi import EventsMiddleware

from .asgi_app import JOB, app_of, called
from .conftest import asked


def test_the_response_does_not_start_before_its_events_are_sent(client, delivery):
    """A client that reads success may rely on the events."""
    order = []
    delivery.on_send = lambda: order.append("sent")

    async def app(scope, receive, send):
        events.created_test({"id": 1})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        order.append(message["type"])

    asyncio.run(called(EventsMiddleware(app, client=client), send=send))
    assert order == ["sent", "http.response.start", "http.response.body"]


def test_events_of_a_dependency_that_is_still_open_are_sent_before_the_response_starts(client, delivery):
    """FastAPI leaves dependencies that yield after the response is sent, and a BaseHTTPMiddleware is in between."""
    app = fastapi.FastAPI()
    sent_before_response = []

    async def user():
        async with events.user_context("user-one"):
            yield

    @app.get("/", dependencies=[fastapi.Depends(user)])
    async def endpoint():
        events.created_test({"id": 1})
        return "ok"

    @app.middleware("http")
    async def between(request, call_next):
        response = await call_next(request)
        response.headers["x-between"] = "1"
        return response

    class Watching:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            async def watched(message):
                sent_before_response.append(delivery.actors[:])
                await send(message)

            await self.app(scope, receive, watched if scope["type"] == "http" else send)

    assert asked(Watching(EventsMiddleware(app, client=client))).status_code == 200
    assert sent_before_response[0] == [("user-one", "user")]
    assert len(delivery.sent) == 1


def test_a_failed_delivery_becomes_a_500(client, delivery):
    delivery.refuses = True

    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    assert asked(app_of(endpoint, client)).status_code == 500


def test_a_failed_delivery_may_be_logged_instead(client, delivery, caplog):
    delivery.refuses = True

    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    app = app_of(endpoint, client, on_delivery_error="log")
    assert asked(app, headers=JOB).status_code == 200
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.bc_job_id == "job-1"
    assert "testing.TestCreated" in record.bc_undelivered[0]


def test_a_failed_delivery_may_be_handed_to_the_service(client, delivery):
    delivery.refuses = True
    errors = []

    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    assert asked(app_of(endpoint, client, on_delivery_error=errors.append)).status_code == 200
    assert [len(error.undelivered) for error in errors] == [1]


def test_another_on_delivery_error_is_refused(client):
    with pytest.raises(ConfigurationError, match='give "raise", "log", or a callable'):
        EventsMiddleware(PlainTextResponse("ok"), client=client, on_delivery_error="ignore")


def test_background_tasks_are_inside_the_session(client, delivery):
    """A BaseHTTPMiddleware would have flushed before they run."""

    def later():
        events.created_other({"id": 2})

    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok", background=BackgroundTask(later))

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    asked(EventsMiddleware(app, client=client), headers=JOB)
    assert (delivery.data, delivery.jobs) == ([{"id": 1}, {"id": 2}], ["job-1", "job-1"])


def test_background_tasks_that_fail_drop_what_they_published_alone(client, delivery):
    async def later():
        events.created_other({"id": 2})
        raise LookupError("broken")

    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok", background=BackgroundTask(later))

    assert asked(app_of(endpoint, client)).status_code == 200
    assert delivery.data == [{"id": 1}]


def test_a_session_is_seen_by_sync_views_behind_a_base_http_middleware(client, delivery):
    """Values that are set in a ContextVar within either are lost outside; the session is one object, shared by all."""
    app = fastapi.FastAPI()

    @app.get("/")
    def endpoint():
        events.created_test({"id": events.current_job_id()})
        return "ok"

    @app.middleware("http")
    async def between(request, call_next):
        events.created_other({"id": events.current_job_id()})
        return await call_next(request)

    app.add_middleware(EventsMiddleware, client=client)
    asked(app, headers=JOB)
    assert delivery.data == [{"id": "job-1"}, {"id": "job-1"}]


def test_background_tasks_of_a_refused_request_publish_nothing(client, delivery):
    def later():
        events.created_other({"id": 2})

    async def endpoint(request):
        return PlainTextResponse("no", 400, background=BackgroundTask(later))

    assert asked(app_of(endpoint, client)).status_code == 400
    assert delivery.sent == []


def test_what_a_streaming_body_publishes_is_sent_when_the_application_returns(client, delivery):
    async def endpoint(request):
        async def body():
            for number in range(3):
                events.created_test({"id": number})
                yield b"chunk"

        return StreamingResponse(body())

    assert asked(app_of(endpoint, client)).content == b"chunk" * 3
    assert delivery.data == [{"id": 0}, {"id": 1}, {"id": 2}]


def test_a_client_that_leaves_is_no_failure(client, delivery):
    """Starlette raises its own ClientDisconnect from the server's OSError."""

    async def endpoint(request):
        async def body():
            events.created_test({"id": 1})
            yield b"chunk"

        return StreamingResponse(body())

    async def send(message):
        if message["type"] == "http.response.body":
            raise OSError("connection lost")

    with pytest.raises(ClientDisconnect):
        asyncio.run(called(app_of(endpoint, client), send=send))
    assert delivery.data == [{"id": 1}]


def test_a_failure_after_the_client_has_left_is_one(client, delivery):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            events.created_test({"id": 1})
        raise LookupError("broken")

    async def send(message):
        if message["type"] == "http.response.body":
            raise OSError("connection lost")

    with pytest.raises(LookupError):
        asyncio.run(called(EventsMiddleware(app, client=client), send=send))
    assert delivery.sent == []


def test_an_application_that_stops_as_the_client_leaves_keeps_its_events(client, delivery):
    async def app(scope, receive, send):
        events.created_test({"id": 1})
        assert (await receive())["type"] == "http.disconnect"

    async def receive():
        return {"type": "http.disconnect"}

    asyncio.run(called(EventsMiddleware(app, client=client), receive=receive))
    assert delivery.data == [{"id": 1}]
