"""Rule 11: where no thread can be started, each event is still sent once."""

import asyncio
import threading

import anyio
import pytest

from bc_events import EventClient, events
from bc_events._delivery import threads
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay

from .recording import TOPICS, say


@pytest.fixture
def limit(monkeypatch):
    """`limit(n)` lets the main thread start n threads more, as a limit of the system does; None lifts it."""
    start, left = threading.Thread.start, [None]

    def limited(thread):
        if left[0] is not None and threading.current_thread() is threading.main_thread():
            if left[0] == 0:
                raise RuntimeError("can't start new thread")
            left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    return lambda count: left.__setitem__(0, count)


@pytest.fixture
def no_threads_yet(monkeypatch):
    monkeypatch.setattr(threads, "_executor", None)
    yield
    if threads._executor is not None:
        threads._executor.shutdown()


async def publish(n):
    async with events.session():
        say(n)


def test_rule_11_a_flush_that_has_no_thread_is_done_once(client, recording, limit, no_threads_yet):
    """An executor has the work in its queue before it starts a thread, which then comes late and finds it done."""

    async def main():
        limit(0)
        await publish(1)
        limit(None)
        await publish(2)
        threads._executor.shutdown()

    asyncio.run(main())
    assert recording.numbers == [1, 2]


def test_rule_11_a_flush_that_has_no_further_thread_is_done_once(client, recording, limit, no_threads_yet):
    is_busy, go_on = threading.Event(), threading.Event()

    def wait_for_the_other():
        if not is_busy.is_set():
            is_busy.set()
            assert go_on.wait(10)

    recording.on_send = wait_for_the_other

    async def main():
        first = asyncio.create_task(publish(1))
        await asyncio.to_thread(is_busy.wait, 10)
        limit(0)
        await publish(2)
        limit(None)
        go_on.set()
        await first
        threads._executor.shutdown()  # its queue is empty now

    asyncio.run(main())
    assert recording.numbers == [2, 1]


def test_rule_11_a_flush_under_trio_that_has_no_thread_is_done_once(client, recording, monkeypatch):
    async def refuse(_work):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(anyio.to_thread, "run_sync", refuse)
    anyio.run(publish, 1, backend="trio")
    assert recording.numbers == [1]


def test_rule_11_a_flush_at_interpreter_shutdown_needs_no_thread(client, recording, monkeypatch):
    """Then executors refuse work."""

    class Refusing:
        def submit(self, _work):
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(threads, "_executor", Refusing())
    asyncio.run(publish(1))
    assert recording.numbers == [1]


def test_rule_11_a_flush_that_fails_by_itself_is_not_done_again(client, recording):
    sent = []

    def fail():
        sent.append(1)
        raise RuntimeError("of the delivery")

    recording.on_send = fail
    with pytest.raises(RuntimeError, match="of the delivery"):
        asyncio.run(publish(1))
    assert sent == [1]


def stored(api, folder):
    return EventClient(api.url, "PolicyService", TOPICS, outbox=str(folder / "events.db"))


@pytest.mark.parametrize("started", range(4))
def test_rule_11_no_relay_is_left_half_started(started, tmp_path, limit):
    with (
        LocalEventsAPI() as api,
        EventClient(api.url, "PolicyService", TOPICS, outbox=str(tmp_path / "events.db")) as client,
    ):
        before = set(threading.enumerate())
        relay = Relay.of(client, workers=4)
        limit(started)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            relay.start()
        assert set(threading.enumerate()) == before


@pytest.mark.parametrize("started", [0, 1])
def test_rule_11_an_embedded_relay_that_has_no_thread_is_started_by_a_later_event(started, tmp_path, limit):
    with (
        LocalEventsAPI() as api,
        EventClient(api.url, "PolicyService", TOPICS, outbox=str(tmp_path / "events.db")) as client,
    ):
        limit(started)
        with events.session(client=client):
            say(1)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("bc-events-relay")]
        limit(None)
        with events.session(client=client):
            say(2)
        assert sorted(event.data["n"] for event in api.wait(count=2)) == [1, 2]


def test_a_local_api_that_has_no_thread_opens_nothing(limit):
    api = LocalEventsAPI()
    limit(0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        api.start()
    limit(None)
    with api:
        assert api.events() == []
