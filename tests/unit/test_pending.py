"""Pending events, and scopes that end while another change of the same unit of work is under way."""

import gc
import pickle
import signal
import threading

import pytest

from bc_events._runtime import forks
from bc_events._unit.pending import Closed, Pending
from bc_events._unit.savepoints import holds, is_dropped
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.errors import SessionClosedError
from bc_events.event import Actor

THING = {"id": 1}


@pytest.fixture
def root(client_of):
    return UnitOfWork(client_of(None), Actor("user-12345", "user"), "job-1")


def published(unit, count=1):
    return [unit.call("created_test", THING) for _ in range(count)]


def filled(entries):
    pending = Pending()
    pending.entries.extend(entries)
    return pending


def once(interruption):
    """A predicate that drops even numbers and is interrupted, at its first question, by code of the same thread."""
    rest = [interruption]

    def is_dropped(number):
        if rest:
            rest.pop()()
        return number % 2 == 0

    return is_dropped


class SealedList(list):
    """A publisher's list, in which a taker's seal is not appended at once: other code runs just before and after it."""

    def __init__(self, before, after):
        self._before, self._after = before, after

    def append(self, item):
        if item == "late":
            super().append(item)
            return
        self._before()
        super().append(item)
        self._after()


MOMENTS = ("before the take", "before the seal", "behind the seal", "after the take")


@pytest.mark.parametrize("successor", [list, Closed])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_event_appended_at_any_moment_of_a_take_is_taken_or_waits_or_is_refused(root, moment, successor):
    """The proof at the top of `pending.py`, step by step: the publisher has read `entries` before the take begins."""
    pending = root.pending
    run = {name: (lambda: entries.append("late")) if name == moment else (lambda: None) for name in MOMENTS}
    pending.entries = entries = SealedList(run["before the seal"], run["behind the seal"])

    run["before the take"]()
    with pending.lock:
        taken = pending.take(successor())
    run["after the take"]()
    try:
        pending.settle("late", entries, root)
        outcome = "waits" if pending.entries == ["late"] else None
    except SessionClosedError:
        outcome = "refused"

    is_before = MOMENTS.index(moment) < 2
    assert taken == (["late"] if is_before else [])
    assert outcome == (None if is_before else "waits" if successor is list else "refused")


def test_a_drop_within_a_drop_drops_for_both():
    pending = filled([1, 2, 3, 4, 5])
    inner = []

    with pending.lock:
        dropped = pending.drop(once(lambda: inner.extend(pending.drop(lambda number: number == 3))))

    assert (inner, dropped, pending.entries) == ([3], [2, 4], [1, 5])


def test_a_take_within_a_drop_leaves_it_nothing():
    pending = filled([1, 2, 3])
    taken = []

    with pending.lock:
        dropped = pending.drop(once(lambda: taken.extend(pending.take([]))))

    assert (taken, dropped, pending.entries) == ([1, 2, 3], [], [])


def test_a_close_within_a_drop_stays_closed():
    pending = filled([1, 2, 3])

    with pending.lock:
        pending.drop(once(lambda: pending.take(Closed())))

    with pytest.raises(SessionClosedError):
        pending.entries.append(4)


def test_what_is_appended_within_a_drop_waits():
    pending = filled([1, 2])

    with pending.lock:
        dropped = pending.drop(once(lambda: pending.entries.append(4)))

    assert (dropped, pending.entries) == ([2], [1, 4])


def test_a_signal_handler_may_end_a_scope_while_this_thread_ends_another(root):
    first, second = root.join(), root.join()
    published(first)
    published(second)
    ended = []

    def handler(_number, _frame):
        ended.append(second.abort()[0])

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with root.pending.lock:  # `abort` holds the lock in the same way
            signal.raise_signal(signal.SIGUSR1)
        first.abort()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert ended == [1]
    assert root.end() == []


def test_what_a_savepoint_published_just_as_it_was_dropped_is_not_sent(root):
    """The publisher had looked up the list, and appends to it only when the savepoint has been dropped."""
    savepoint = root.join()
    late = published(savepoint)[0]
    savepoint.abort()

    root.pending.entries.append(late)

    assert root.end() == []


def test_its_publisher_is_told(root):
    savepoint = root.join()
    late = published(savepoint)[0]
    entries = root.pending.entries
    savepoint.abort()
    entries.append(late)
    root.flush()

    with pytest.raises(SessionClosedError):
        root.pending.settle(late, entries, savepoint)


@pytest.mark.parametrize("is_committed", [False, True])
def test_events_of_a_scope_that_was_never_left_are_reported(client_of, caplog, is_committed):
    unit = UnitOfWork(client_of(None), Actor("user-12345", "user"), "job-1")
    unit.pending.scoped_in = forks.generation
    [event] = published(unit)
    if is_committed:
        unit.pending.take([])
        unit.pending.commit(event)
    del unit, event
    gc.collect()
    assert "1 event of job job-1 lost: the scope was entered and never left" in caplog.text


def test_an_event_that_was_unpickled_is_of_no_unit_of_work(root):
    [event] = published(root)
    copy = pickle.loads(pickle.dumps(event))
    root.abort()
    assert (holds(root, event), holds(root, copy)) == (True, False)
    assert (is_dropped(event), is_dropped(copy)) == (True, False)


def test_two_threads_that_roll_back_one_scope_drop_its_events_once(root):
    published(root, 50)
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(root.abort()[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(counts) == [0, 0, 0, 50]
