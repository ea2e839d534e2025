"""One session a request: its job, its isolation, and its end, whatever handler and view there is."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpResponse
from django.test import AsyncClient

from bc_events import events
from bc_events._ambient.frames import innermost

pytestmark = pytest.mark.django_db(transaction=True)


def publish(number):
    return events.created_policy({"id": number})


def sync_view(request):
    publish(1)
    return HttpResponse(events.current_job_id())


async def async_view(request):
    publish(1)
    return HttpResponse(events.current_job_id())


def get_sync(client, **headers):
    return client.get("/", headers=headers)


def get_async(_client, **headers):
    return asyncio.run(AsyncClient().get("/", headers=headers))


@pytest.fixture(params=[get_sync, get_async], ids=["wsgi", "asgi"])
def get(request, client):
    return lambda **headers: request.param(client, **headers)


@pytest.fixture(params=[sync_view, async_view], ids=["sync", "async"])
def view(request, serve):
    serve(request.param)


@pytest.mark.usefixtures("view")
class TestEveryHandlerAndView:
    def test_what_is_published_is_sent(self, get, delivery):
        get()
        assert delivery.ids == [1]

    def test_the_job_comes_in_by_its_header(self, get, delivery):
        assert get(**{"x-britecore-job-id": "job-of-the-caller"}).content == b"job-of-the-caller"
        assert [event.job_id for event in delivery.sent] == ["job-of-the-caller"]

    def test_the_job_comes_in_by_baggage(self, get):
        assert get(baggage="bc-job-id=job-of-the-caller").content == b"job-of-the-caller"

    @pytest.mark.parametrize("job_id", ["", "x" * 256, "two words", "caf\u00e9"])
    def test_a_job_id_that_could_not_travel_is_replaced(self, get, job_id, caplog):
        content = get(**{"x-britecore-job-id": job_id}).content.decode()
        assert content != job_id
        assert len(content) == 36
        assert "counts as missing" in caplog.text

    def test_each_request_has_a_job_of_its_own(self, get):
        assert get().content != get().content

    def test_nothing_stays_ambient_after_a_request(self, get):
        get()
        assert events.current_job_id() is None

    def test_a_request_does_not_join_the_session_of_a_caller_in_the_same_process(self, get, delivery):
        with events.session():
            get()
            assert delivery.ids == [1]


def test_an_untrusted_actor_header_is_ignored(client, serve, delivery):
    serve(sync_view)
    get_sync(client, **{"x-britecore-actor-id": "somebody-else", "x-britecore-actor-type": "user"})
    assert delivery.actors == ["PolicyService"]


def test_an_actor_header_that_the_settings_trust_is_the_actor(client, serve, delivery, settings):
    settings.BC_EVENTS = {**settings.BC_EVENTS, "BORDER": "bc_events.propagation.BROKER"}
    serve(sync_view)
    get_sync(client, **{"x-britecore-actor-id": "somebody-else", "x-britecore-actor-type": "user"})
    assert delivery.actors == ["somebody-else"]


def test_an_async_view_that_raises_sends_nothing_but_what_has_committed(serve, delivery):
    @sync_to_async
    def save():
        with transaction.atomic():
            publish(2)

    async def view(request):
        publish(1)
        await save()
        raise ZeroDivisionError

    serve(view)
    with suppress(ZeroDivisionError):
        get_async(None)
    assert delivery.ids == [2]


def test_an_async_view_publishes_though_on_commit_would_raise_there(serve, delivery):
    """`transaction.on_commit` outside `atomic` asks the connection, which async code may not."""
    from django.core.exceptions import SynchronousOnlyOperation

    async def view(request):
        with pytest.raises(SynchronousOnlyOperation):
            transaction.on_commit(lambda: None)
        publish(1)
        return HttpResponse()

    serve(view)
    assert get_async(None).status_code == 200
    assert delivery.ids == [1]


def test_the_session_is_the_same_in_synchronous_code_of_an_async_view(serve, delivery):
    """asgiref copies context into the thread and back."""

    async def view(request):
        session = events.current_session()
        assert await sync_to_async(events.current_session)() is session
        await sync_to_async(publish)(1)
        publish(2)
        assert events.current_session() is session
        return HttpResponse()

    serve(view)
    get_async(None)
    assert delivery.ids == [1, 2]


def test_a_scope_that_synchronous_code_enters_is_there_in_the_async_view_and_may_be_left_elsewhere(serve, delivery):
    """A token would be of one of their contexts only."""

    async def view(request):
        scopes = ExitStack()
        await sync_to_async(scopes.enter_context)(events.user_context("user-one"))
        publish(1)
        await sync_to_async(scopes.close)()
        publish(2)
        return HttpResponse()

    serve(view)
    get_async(None)
    assert list(zip(delivery.ids, delivery.actors, strict=True)) == [(1, "user-one"), (2, "PolicyService")]


def test_scopes_of_one_job_are_never_equal():
    """asgiref 3.8 copies a context's values back where they differ by `!=` (django/asgiref#534)."""
    with events.session("job-1") as outer:
        around = innermost()
        with events.session("job-1") as inner:
            assert outer != inner
            assert around != innermost()


def test_async_views_run_at_the_same_time(serve, delivery):
    """A middleware that is only synchronous would make them wait for each other's threads."""
    all_are_in = asyncio.Barrier(3)

    async def view(request):
        async with asyncio.timeout(10):
            await all_are_in.wait()
        publish(1)
        return HttpResponse()

    async def main():
        await asyncio.gather(*(AsyncClient().get("/") for _ in range(3)))

    serve(view)
    asyncio.run(main())
    assert delivery.ids == [1, 1, 1]


def test_concurrent_requests_keep_their_jobs_apart(serve, delivery):
    async def view(request):
        for number in range(3):
            publish(number)
            await asyncio.sleep(0)
        return HttpResponse()

    async def main():
        jobs = [f"job-{number}" for number in range(20)]
        await asyncio.gather(*(AsyncClient().get("/", headers={"x-britecore-job-id": job}) for job in jobs))
        return jobs

    serve(view)
    jobs = asyncio.run(main())
    assert sorted(event.job_id for event in delivery.sent) == sorted(jobs * 3)
    assert all(len({event.job_id for event in call}) == 1 for call in delivery.calls)


def test_a_page_that_does_not_exist_opens_and_ends_a_session(client, serve):
    serve(sync_view)
    assert client.get("/nowhere").status_code == 404
    assert events.current_job_id() is None
