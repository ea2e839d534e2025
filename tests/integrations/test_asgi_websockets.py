"""Sessions for the messages of a websocket: ASGI applications on a real server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect

from bc_events import ConfigurationError, DeliveryError, events
from bc_events.integrations.asgi import EventsMiddleware, message_session

from .asgi_app import JOB
from .conftest import serving


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
