"""Streaming responses: the session lives until the stream ends, or is closed because its client has left."""

from __future__ import annotations

import asyncio
import io

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.db import transaction
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient

from bc_events import events
from bc_events.integrations.django import EventsMiddleware

pytestmark = pytest.mark.django_db(transaction=True)


def publish(number):
    return events.created_policy({"id": number})


def body(*, fails=False):
    for number in (1, 2):
        publish(number)
        yield b"x"
        assert events.current_session()
    if fails:
        raise ZeroDivisionError
    publish(3)


async def abody(*, fails=False):
    for chunk in body(fails=fails):
        yield chunk


class TestSync:
    def test_the_body_publishes_into_the_request_s_session_which_ends_with_it(self, client, serve, delivery):
        serve(lambda request: StreamingHttpResponse(body()))
        response = client.get("/", headers={"x-britecore-job-id": "job-of-the-caller"})
        assert delivery.ids == []
        assert b"".join(response.streaming_content) == b"xx"
        assert delivery.ids == [1, 2, 3]
        assert {event.job_id for event in delivery.sent} == {"job-of-the-caller"}
        assert len(delivery.calls) == 1

    def test_outside_the_steps_of_the_body_nothing_is_ambient(self, client, serve):
        serve(lambda request: StreamingHttpResponse(body()))
        response = client.get("/")
        assert events.current_job_id() is None
        for _ in response.streaming_content:
            assert events.current_job_id() is None

    def test_a_body_that_raises_sends_nothing(self, client, serve, delivery):
        serve(lambda request: StreamingHttpResponse(body(fails=True)))
        with pytest.raises(ZeroDivisionError):
            list(client.get("/").streaming_content)
        assert delivery.ids == []

    def test_a_client_that_leaves_is_no_failure(self, client, serve, delivery):
        serve(lambda request: StreamingHttpResponse(body()))
        response = client.get("/")
        next(iter(response.streaming_content))
        response.close()
        assert delivery.ids == [1]
        assert events.current_job_id() is None

    def test_an_undelivered_event_of_a_client_that_left_is_logged(self, client, serve, delivery, caplog):
        """Django swallows what closing a response raises."""
        delivery.refuses = True
        serve(lambda request: StreamingHttpResponse(body()))
        response = client.get("/")
        next(iter(response.streaming_content))
        response.close()
        [record] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert "not delivered" in record.getMessage()

    def test_a_transaction_in_the_body_decides_for_what_is_published_in_it(self, client, serve, delivery):
        def work():
            with transaction.atomic():
                publish(1)
                transaction.set_rollback(True)
            yield b"x"

        serve(lambda request: StreamingHttpResponse(work()))
        list(client.get("/").streaming_content)
        assert delivery.ids == []

    def test_a_file_ends_its_session_at_once_and_is_left_to_the_server(self, rf, delivery):
        """Servers send a file their own way, as long as nobody puts an iterator in its place."""

        def view(request):
            publish(1)
            return FileResponse(io.BytesIO(b"file"))

        response = EventsMiddleware(view)(rf.get("/"))
        assert delivery.ids == [1]
        assert response.file_to_stream is not None

    def test_an_async_body_under_wsgi_works_too(self, client, serve, delivery):
        serve(lambda request: StreamingHttpResponse(abody()))
        response = client.get("/")
        with pytest.warns(Warning, match="must consume asynchronous iterators"):
            assert list(response) == [b"x", b"x"]
        assert delivery.ids == [1, 2, 3]


class TestAsync:
    def get(self, **headers):
        async def main():
            response = await AsyncClient().get("/", headers=headers)
            assert events.current_job_id() is None
            chunks = []
            async for chunk in response.streaming_content:
                assert events.current_job_id() is None
                chunks.append(chunk)
            return chunks

        return asyncio.run(main())

    def test_the_body_publishes_into_the_request_s_session_which_ends_with_it(self, serve, delivery):
        async def view(request):
            return StreamingHttpResponse(abody())

        serve(view)
        assert self.get(**{"x-britecore-job-id": "job-of-the-caller"}) == [b"x", b"x"]
        assert delivery.ids == [1, 2, 3]
        assert {event.job_id for event in delivery.sent} == {"job-of-the-caller"}
        assert len(delivery.calls) == 1

    def test_a_body_that_raises_sends_nothing(self, serve, delivery):
        async def view(request):
            return StreamingHttpResponse(abody(fails=True))

        serve(view)
        with pytest.raises(ZeroDivisionError):
            self.get()
        assert delivery.ids == []


class Conversation:
    """An ASGI client that leaves when told to. `sent` wakes at each message from the service."""

    def __init__(self):
        self.messages = []
        self.sent = asyncio.Event()
        self.leaves = asyncio.Event()
        self._has_asked = False

    async def receive(self):
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.messages.append(message)
        if message.get("body"):
            self.sent.set()

    async def __call__(self):
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
        }
        await ASGIHandler()(scope, self.receive, self.send)


class TestDisconnects:
    """Django cancels the task of a request whose client leaves, so a middleware's code after the view never runs."""

    def test_an_async_stream_whose_client_leaves_sends_what_was_published(self, serve, delivery):
        async def endless():
            publish(1)
            yield b"x"
            await asyncio.Event().wait()

        async def view(request):
            return StreamingHttpResponse(endless())

        async def main():
            conversation = Conversation()
            request = asyncio.create_task(conversation())
            await conversation.sent.wait()
            conversation.leaves.set()
            await request

        serve(view)
        asyncio.run(main())
        assert delivery.ids == [1]

    def test_an_async_stream_that_is_left_between_two_chunks_sends_too(self, serve, delivery):
        async def view(request):
            return StreamingHttpResponse(abody())

        async def main():
            conversation = Conversation()
            send = conversation.send

            async def stuck(message):
                await send(message)
                if message.get("body"):
                    await asyncio.Event().wait()

            conversation.send = stuck
            request = asyncio.create_task(conversation())
            await conversation.sent.wait()
            conversation.leaves.set()
            await request

        serve(view)
        asyncio.run(main())
        assert delivery.ids == [1]

    def test_an_async_view_that_is_stopped_sends_only_what_has_committed(self, serve, delivery):
        from asgiref.sync import sync_to_async

        is_waiting = asyncio.Event()

        @sync_to_async
        def save():
            with transaction.atomic():
                publish(2)

        async def view(request):
            publish(1)
            await save()
            is_waiting.set()
            await asyncio.Event().wait()

        async def main():
            conversation = Conversation()
            request = asyncio.create_task(conversation())
            await is_waiting.wait()
            conversation.leaves.set()
            await request

        serve(view)
        asyncio.run(main())
        assert delivery.ids == [2]

    @pytest.mark.usefixtures("atomic_requests")
    @pytest.mark.parametrize("commits", [True, False])
    def test_a_sync_view_runs_on_to_its_end_and_its_transaction_decides(self, serve, delivery, commits):
        """Its thread cannot be cancelled: it commits after its client has left."""
        import threading

        is_running, may_end = threading.Event(), threading.Event()

        def view(request):
            publish(1)
            is_running.set()
            may_end.wait(10)
            publish(2)
            transaction.set_rollback(not commits)
            return HttpResponse()

        async def main():
            conversation = Conversation()
            request = asyncio.create_task(conversation())
            await asyncio.to_thread(is_running.wait, 10)
            conversation.leaves.set()
            asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, may_end.set)
            await request

        serve(view)
        asyncio.run(main())
        assert delivery.ids == ([1, 2] if commits else [])
