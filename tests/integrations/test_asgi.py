"""ASGI, against real Starlette and FastAPI on a real uvicorn; where no server would do it, against raw ASGI calls."""

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from bc_events import Actor, ConfigurationError, DeliveryError, events
from bc_events.integrations.asgi import EventsMiddleware, message_session
from bc_events.propagation import Border

from .conftest import asked, serving

JOB = {"x-britecore-job-id": "job-1"}


def app_of(endpoint, client, **settings):
    """`endpoint` behind the middleware, which is outermost."""
    return EventsMiddleware(Starlette(routes=[Route("/", endpoint)]), client=client, **settings)


async def called(app, *, receive=None, send=None, headers=(), spec="2.4"):
    """One ASGI call without a server; returns the messages that the application sent."""
    messages = []

    async def keep(message):
        messages.append(message)

    async def nothing():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": list(headers)}
    scope |= {
        "asgi": {"version": "3.0", "spec_version": spec},
        "http_version": "1.1",
        "root_path": "",
        "scheme": "http",
    }
    await app(scope, receive or nothing, send or keep)
    return messages


def test_a_request_publishes_under_the_job_of_its_header(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    app = app_of(endpoint, client)
    assert asked(app, headers=JOB).status_code == 200
    assert (delivery.data, delivery.jobs) == ([{"id": 1}], ["job-1"])


def test_the_job_of_baggage_is_taken_where_there_is_no_header(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    asked(app_of(endpoint, client), headers={"baggage": "bc-job-id=job-2"})
    assert delivery.jobs == ["job-2"]


@pytest.mark.parametrize("job", ["x" * 256, "two words", "a\tb"])
def test_a_job_id_that_could_not_travel_is_replaced(client, delivery, job, caplog):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    asked(app_of(endpoint, client), headers={"x-britecore-job-id": job})
    assert delivery.jobs != [job]
    assert "it counts as missing" in caplog.text
    assert job not in caplog.text


def test_two_job_ids_are_none(client, delivery):
    async def app(scope, receive, send):
        events.created_test({"id": 1})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    headers = [(b"x-britecore-job-id", b"job-1"), (b"X-BriteCore-Job-Id", b"job-2")]
    asyncio.run(called(EventsMiddleware(app, client=client), headers=headers))
    assert not {"job-1", "job-2"} & set(delivery.jobs)


def test_an_actor_header_is_not_believed(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    spoofed = {"x-britecore-actor-id": "somebody", "x-britecore-actor-type": "user"}
    asked(app_of(endpoint, client), headers=spoofed)
    assert delivery.actors == [("PolicyService", "service")]


def test_an_actor_header_is_believed_where_the_service_trusts_it(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    border = Border(actor_id="x-actor", actor_type="x-actor-type")
    app = app_of(endpoint, client, border=border)
    asked(app, headers={"x-actor": "user-one", "x-actor-type": "user"})
    assert delivery.actors == [("user-one", "user")]


def test_the_service_may_say_who_acts(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("ok")

    asked(app_of(endpoint, client, actor=lambda scope: Actor(f"user at {scope['path']}", "user")))
    assert delivery.actors == [("user at /", "user")]


def test_an_exception_rolls_back_and_goes_on_to_the_server(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        raise LookupError("broken")

    assert asked(app_of(endpoint, client)).status_code == 500
    assert delivery.sent == []


def test_a_status_of_failure_rolls_back(client, delivery, caplog):
    """The handler that made the status out of an exception hides it from everything outside."""
    app = fastapi.FastAPI()

    @app.get("/")
    async def endpoint():
        events.created_test({"id": 1})
        raise fastapi.HTTPException(409)

    assert asked(EventsMiddleware(app, client=client)).status_code == 409
    assert delivery.sent == []
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert (warning.bc_status, warning.bc_dropped) == (409, 1)


def test_the_service_may_say_what_success_is(client, delivery):
    async def endpoint(request):
        events.created_test({"id": 1})
        return PlainTextResponse("gone", 410)

    asked(app_of(endpoint, client, success=lambda status: status == 410))
    assert delivery.data == [{"id": 1}]


def test_cancellation_rolls_back(client, delivery):
    async def app(scope, receive, send):
        events.created_test({"id": 1})
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(called(EventsMiddleware(app, client=client)))
    assert delivery.sent == []


def test_an_application_that_does_not_answer_rolls_back(client, delivery):
    async def app(scope, receive, send):
        events.created_test({"id": 1})

    asyncio.run(called(EventsMiddleware(app, client=client)))
    assert delivery.sent == []


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


def test_a_request_joins_no_session_that_is_live_around_it(client, delivery):
    """A test that calls an application in process keeps its own events to itself."""

    async def app(scope, receive, send):
        events.created_test({"id": "inner"})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def outer():
        async with events.session("job-1", client=client):
            events.created_test({"id": "outer"})
            await called(EventsMiddleware(app, client=client))
            assert events.current_job_id() == "job-1"
            raise LookupError("broken")

    with pytest.raises(LookupError):
        asyncio.run(outer())
    assert delivery.data == [{"id": "inner"}]
    assert delivery.jobs != ["job-1"]


HEAD = b" / HTTP/1.1\r\nhost: localhost\r\n"
FIRST = b"GET" + HEAD + b"x-britecore-job-id: job-1\r\n\r\n"
LARGE = b"POST" + HEAD + b"x-britecore-job-id: job-1\r\ncontent-length: 200000\r\n\r\n" + b"x" * 200_000
NEXT = b"GET" + HEAD + b"\r\n"


@pytest.mark.parametrize("said", [[FIRST + NEXT], [LARGE, NEXT]], ids=["pipelined", "after a large body"])
def test_the_next_request_of_a_connection_has_nothing_of_the_one_before(client, delivery, said):
    """uvicorn may start it in the context of that one's task (python/cpython#140947)."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        while (await receive()).get("more_body"):
            """It is read to its end."""
        events.created_test({"id": 1})
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with (
        serving(EventsMiddleware(app, client=client)) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port)) as connection,
        connection.makefile("rb") as answers,
    ):
        for part in said:
            connection.sendall(part)
            for _ in range(2 // len(said)):
                while answers.readline() != b"\r\n":
                    """The answers have no bodies."""
    one, two = delivery.jobs
    assert (one, two == "job-1") == ("job-1", False)


def test_concurrent_requests_keep_to_their_own_jobs(client, delivery):
    async def app(scope, receive, send):
        await asyncio.sleep(0)
        events.created_test({"id": dict(scope["headers"])[b"x-britecore-job-id"].decode()})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0)
        events.created_other({"id": dict(scope["headers"])[b"x-britecore-job-id"].decode()})
        await send({"type": "http.response.body", "body": b""})

    async def all_at_once():
        wrapped = EventsMiddleware(app, client=client)
        await asyncio.gather(
            *(called(wrapped, headers=[(b"x-britecore-job-id", b"job-%d" % number)]) for number in range(50))
        )

    asyncio.run(all_at_once())
    assert len(delivery.sent) == 100
    assert all(event.data["id"] == event.job_id for event in delivery.sent)


def test_lifespan_is_left_alone(client):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["type"], events.current_job_id()))

    asyncio.run(EventsMiddleware(app, client=client)({"type": "lifespan"}, None, None))
    assert seen == [("lifespan", None)]


def chat_app(client, *, wrapped=True):
    async def endpoint(websocket):
        await websocket.accept()
        async for text in websocket.iter_text():
            try:
                async with message_session(websocket):
                    events.created_test({"text": text})
                    if text == "bad":
                        raise LookupError
            except (LookupError, ConfigurationError, DeliveryError) as error:
                await websocket.send_text(str(error) or type(error).__name__)
            else:
                await websocket.send_text("done")

    app = Starlette(routes=[WebSocketRoute("/", endpoint)])
    return EventsMiddleware(app, client=client) if wrapped else app


def chat(client, *, wrapped=True, **options):
    return talking(chat_app(client, wrapped=wrapped), **options)


@contextmanager
def talking(app, **options):
    """One websocket to a real server of `app`; both have ended afterwards."""
    with serving(app) as url, connect(f"ws{url.removeprefix('http')}/", **options) as websocket:
        yield websocket


def say(websocket, text):
    websocket.send(text)
    return websocket.recv(timeout=10)


def test_each_websocket_message_has_a_session_of_its_own(client, delivery):
    with chat(client, additional_headers=JOB) as websocket:
        assert [say(websocket, text) for text in ("one", "bad", "two")] == ["done", "LookupError", "done"]
    assert (delivery.data, delivery.jobs) == ([{"text": "one"}, {"text": "two"}], ["job-1", "job-1"])


def test_websocket_messages_without_a_job_get_one_each(client, delivery):
    with chat(client) as websocket:
        say(websocket, "one")
        say(websocket, "two")
    assert len(set(delivery.jobs)) == 2


def test_a_websocket_outside_the_middleware_is_told_what_to_do(client):
    with chat(client, wrapped=False) as websocket:
        assert "wrap the application in it" in say(websocket, "one")


def test_many_websockets_at_once_keep_their_jobs_apart(client, delivery):
    app = chat_app(client)

    def talk(number, url):
        job = {"x-britecore-job-id": f"job-{number}"}
        with connect(f"ws{url.removeprefix('http')}/", additional_headers=job) as websocket:
            for turn in range(5):
                assert say(websocket, f"{number}/{turn}") == "done"

    with serving(app) as url, ThreadPoolExecutor(8) as pool:
        list(pool.map(talk, range(8), [url] * 8))
    told = {(one["text"].partition("/")[0], job) for one, job in zip(delivery.data, delivery.jobs, strict=True)}
    assert told == {(str(number), f"job-{number}") for number in range(8)}
    assert len(delivery.data) == 40


@pytest.mark.parametrize(("failure", "sent"), [(None, [{"id": 1}]), (LookupError, [])])
def test_a_websocket_client_that_leaves_is_no_failure_of_the_message_in_hand(client, delivery, failure, sent):
    async def endpoint(websocket):
        await websocket.accept()
        async with message_session(websocket):
            events.created_test({"id": 1})
            try:
                await websocket.send_text("done")
            except WebSocketDisconnect:
                if failure is None:
                    raise
            raise failure

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        if message["type"] == "websocket.send":
            raise OSError("connection lost")

    app = EventsMiddleware(Starlette(routes=[WebSocketRoute("/", endpoint)]), client=client)
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": [], "root_path": "", "scheme": "ws"}
    with pytest.raises(failure or WebSocketDisconnect):
        asyncio.run(app({**scope, "subprotocols": [], "asgi": {"spec_version": "2.4"}}, receive, send))
    assert delivery.data == sent
