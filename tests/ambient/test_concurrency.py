"""Rule 21: tasks and threads that share a session, and the moment at which it ends."""

import asyncio
import itertools
import threading
from contextlib import contextmanager

import pytest

from bc_events import SessionClosedError, events

from .children import CHILDREN
from .elsewhere import ELSEWHERE
from .load.crowds import switching_often
from .recording import say

every_child = pytest.mark.parametrize("start", [pytest.param(start, id=name) for name, start in CHILDREN.items()])
every_elsewhere = pytest.mark.parametrize("hold", [pytest.param(hold, id=name) for name, hold in ELSEWHERE.items()])

ORPHANED = "2 events of job job-1 dropped: the session ended before 1 scope that had joined it"
PUBLISHERS = 3
MOST = 3_000
"""Events after which a publisher gives up, so that a session that is never closed ends the test."""
ROUNDS = 25


@every_child
def test_rule_21_a_child_of_a_live_session_joins_it(start, client, recording):
    with events.session("job-1"):
        say(1)
        finish = start(lambda: say(2))
        finish()
        say(3)
        assert recording.numbers == []
    assert len(recording.batches) == 1
    assert recording.numbers == [1, 2, 3]
    assert set(recording.jobs) == {"job-1"}


@every_child
def test_rule_21_the_failure_of_a_child_is_its_own(start, client, recording):
    """It opened no scope, so what it had published stays the session's, and goes where that goes."""

    def child():
        say(2)
        raise ZeroDivisionError

    with events.session():
        finish = start(child)
        with pytest.raises(ZeroDivisionError):
            finish()
    assert recording.numbers == [2]


def test_rule_21_tasks_of_a_group_and_their_threads_join(client, recording):
    async def main():
        async with events.session(), asyncio.TaskGroup() as group:
            for n in range(10):
                group.create_task(asyncio.to_thread(say, n))

    asyncio.run(main())
    assert len(recording.batches) == 1
    assert sorted(recording.numbers) == list(range(10))


class Publisher:
    """A thread that publishes until it is refused. `accepted` are the numbers of the calls that did not raise."""

    def __init__(self, place, publish):
        self._numbers = range(place * MOST, (place + 1) * MOST)
        self._publish = publish
        self.accepted = []
        self.refused = []
        self.is_running = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=events.propagate(self._run))
        self._thread.start()

    def _run(self):
        for n in self._numbers:
            if self._is_over.is_set():
                return
            try:
                self._publish(n)
            except SessionClosedError:
                self.refused.append(n)
                if len(self.refused) == 3:  # once refused, refused for good
                    return
            else:
                self.accepted.append(n)
            self.is_running.set()

    def join(self):
        """Waits until it has been refused."""
        self._thread.join()

    def stop(self):
        self._is_over.set()
        self._thread.join()


@contextmanager
def publishing(publish=say):
    """Threads that publish into the live session, each of which has begun to."""
    publishers = [Publisher(place, publish) for place in range(PUBLISHERS)]
    for publisher in publishers:
        publisher.is_running.wait()
    yield publishers
    # not in a finally: the session must end before this waits for the threads, because its end stops them


def expect_each_call_to_have_raised_or_arrived(publishers, arrived):
    for publisher in publishers:
        publisher.join()
        own = [n for n in arrived if n in publisher._numbers]
        assert own == publisher.accepted
        assert publisher.refused == [*itertools.islice(publisher._numbers, len(own), len(own) + 3)]
    assert sum(len(publisher.accepted) for publisher in publishers) == len(arrived)


def expect_each_call_to_have_raised_or_been_dropped(publishers, dropped):
    """A call at that moment may be refused, and its event may be dropped as well. Either way it does not arrive."""
    for publisher in publishers:
        publisher.join()
        own = [n for n in dropped if n in publisher._numbers]
        assert own[: len(publisher.accepted)] == publisher.accepted
        assert own[len(publisher.accepted) :] in ([], publisher.refused[:1])
        assert [*publisher.accepted, *publisher.refused] == [*publisher._numbers[: len(publisher.accepted) + 3]]


@pytest.fixture
def rounds():
    """Many, with threads that change turns as often as the interpreter allows."""
    with switching_often():
        yield range(ROUNDS)


def test_rule_21_while_a_session_ends_each_call_raises_or_its_event_arrives_once(client, recording, rounds):
    for _ in rounds:
        recording.batches.clear()
        with events.session(), publishing() as publishers:
            pass
        expect_each_call_to_have_raised_or_arrived(publishers, recording.numbers)
        assert len(recording.batches) == 1


def test_rule_21_while_an_async_session_ends_each_call_raises_or_its_event_arrives_once(client, recording, rounds):
    async def main():
        async with events.session():
            with publishing() as publishers:
                pass
        return publishers

    for _ in rounds:
        recording.batches.clear()
        expect_each_call_to_have_raised_or_arrived(asyncio.run(main()), recording.numbers)


def test_rule_21_while_a_session_fails_each_call_raises_or_its_event_is_dropped_once(client, recording, rounds):
    for _ in rounds:
        recording.discarded.clear()
        with pytest.raises(ZeroDivisionError), events.session(), publishing() as publishers:
            raise ZeroDivisionError
        expect_each_call_to_have_raised_or_been_dropped(publishers, [event.data["n"] for event in recording.discarded])
    assert recording.numbers == []


def test_rule_21_while_a_joined_scope_ends_each_call_raises_or_its_event_arrives_once(client, recording, rounds):
    for _ in rounds:
        recording.batches.clear()
        with events.session():
            with events.user_context("a-user-id"), publishing() as publishers:
                pass
            for publisher in publishers:
                publisher.join()
        expect_each_call_to_have_raised_or_arrived(publishers, recording.numbers)
        assert set(recording.actors) == {"a-user-id"}


def test_rule_21_while_a_joined_scope_fails_each_call_raises_or_its_event_is_dropped_once(client, recording, rounds):
    for _ in rounds:
        recording.batches.clear()
        recording.discarded.clear()
        with events.session():
            say(-1)
            with pytest.raises(ZeroDivisionError), events.session(), publishing() as publishers:
                raise ZeroDivisionError
            for publisher in publishers:
                publisher.join()
        expect_each_call_to_have_raised_or_been_dropped(publishers, [event.data["n"] for event in recording.discarded])
        assert recording.numbers == [-1]


def test_rule_21_flushes_and_rollbacks_by_hand_meanwhile_lose_and_double_nothing(client, recording, rounds):
    for _ in rounds:
        recording.batches.clear()
        recording.discarded.clear()
        with events.session(), publishing() as publishers:
            for _ in range(3):
                events.flush()
                events.rollback()
        told = [event.data["n"] for event in [*recording.events, *recording.discarded]]
        expect_each_call_to_have_raised_or_arrived(publishers, sorted(told))


def test_rule_21_scopes_that_threads_open_while_the_session_ends_raise_or_deliver_once(client, recording, rounds):
    """Each joins in time, or ends too late and raises, or comes too late to join and is a session of its own."""

    def in_a_scope(n):
        with events.user_context("a-user-id"):
            say(n)

    for _ in rounds:
        recording.batches.clear()
        with events.session("job-1"), publishing(in_a_scope) as publishers:
            pass
        for publisher in publishers:
            publisher.stop()
        assert sorted(recording.numbers) == sorted(n for publisher in publishers for n in publisher.accepted)
        assert set(recording.jobs) == {"job-1"}


@every_elsewhere
def test_rule_21_a_joined_scope_still_open_elsewhere_is_dropped_with_a_warning(hold, client, recording, caplog):
    with events.session("job-1"):
        say(1)
        finish = hold(events.user_context("a-user-id"), lambda: [say(2), say(3)], lambda: None)
        say(4)
    assert recording.numbers == [1, 4]
    assert [event.data["n"] for event in recording.discarded] == [2, 3]
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("WARNING", ORPHANED)
    assert (record.bc_job_id, record.bc_dropped, record.bc_scopes) == ("job-1", 2, 1)
    with pytest.raises(SessionClosedError):
        finish()
    assert recording.numbers == [1, 4]
    assert len(caplog.records) == 1


@every_elsewhere
def test_rule_21_the_exception_of_a_scope_whose_session_ended_goes_on_unchanged(hold, client, recording):
    def fail():
        raise error

    error = ZeroDivisionError()
    with events.session():
        finish = hold(events.session(), lambda: say(1), fail)
    with pytest.raises(ZeroDivisionError) as raised:
        finish()
    assert raised.value is error
    assert recording.numbers == []


@every_elsewhere
def test_rule_21_a_session_that_fails_takes_what_is_still_open_elsewhere_along(hold, client, recording, caplog):
    with pytest.raises(ZeroDivisionError), events.session():
        finish = hold(events.session(), lambda: say(1), lambda: None)
        raise ZeroDivisionError
    assert [record.bc_dropped for record in caplog.records] == [1]
    with pytest.raises(SessionClosedError):
        finish()
    assert recording.numbers == []


@every_elsewhere
def test_rule_21_scopes_within_the_one_still_open_elsewhere_are_dropped_with_it(hold, client, recording, caplog):
    def first():
        say(1)
        with events.session():
            say(2)
        inner.__enter__()
        say(3)

    inner = events.session()
    with events.session():
        finish = hold(events.session(), first, lambda: inner.__exit__(None, None, None))
        say(4)
    assert recording.numbers == [4]
    assert [(record.bc_dropped, record.bc_scopes) for record in caplog.records] == [(3, 2)]
    with pytest.raises(SessionClosedError):
        finish()


@every_elsewhere
def test_rule_21_a_joined_scope_that_ends_before_what_it_holds_open_elsewhere_warns_too(
    hold, client, recording, caplog
):
    with events.session():
        with events.session():
            finish = hold(events.session(), lambda: say(1), lambda: None)
            say(2)
        assert [(record.bc_dropped, record.bc_scopes) for record in caplog.records] == [(1, 1)]
        say(3)
    assert recording.numbers == [2, 3]
    with pytest.raises(SessionClosedError):
        finish()


@every_elsewhere
def test_rule_21_what_is_said_elsewhere_after_the_session_ended_is_refused(hold, client, recording):
    refused = []

    def then():
        with pytest.raises(SessionClosedError):
            say(2)
        refused.append(events.current_job_id())

    with events.session():
        finish = hold(events.session(), lambda: say(1), then)
    with pytest.raises(SessionClosedError):
        finish()
    assert refused == [None]
