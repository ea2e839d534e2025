"""ASGI: the job, the actor and the end of each request's session, on real servers and without one."""

import asyncio
import logging
import socket
from urllib.parse import urlsplit

import fastapi
import pytest
from starlette.responses import PlainTextResponse

from bc_events import Actor, events
from bc_events.integrations.asgi import EventsMiddleware
from bc_events.propagation import Border

from .asgi_app import JOB, app_of, called
from .conftest import asked, serving


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
