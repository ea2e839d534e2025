"""Savepoints that begin or end at the moment at which the session around them ends. They need no lock for it."""

import pytest

from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.errors import SessionClosedError
from bc_events.event import Actor


@pytest.fixture
def root(client_of):
    return UnitOfWork(client_of(None), Actor("user-12345", "user"), "job-1")


class Interrupted(set):
    """A set of open savepoints. Other code runs once, before or after a savepoint is first added, or taken out."""

    def __init__(self, **interruption):
        self._left = interruption

    def _run(self, moment):
        self._left.pop(moment, lambda: None)()

    def add(self, unit):
        self._run("before")
        super().add(unit)
        self._run("after")

    def remove(self, unit):
        self._run("before")
        super().remove(unit)
        self._run("after")


def joined(root, **interruption):
    """A savepoint with one event, whose end is interrupted."""
    child = root.join()
    child.call("created_test", {"id": 1})
    root.children = Interrupted(**interruption)
    set.add(root.children, child)
    return child


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_scope_that_joins_while_the_session_ends_is_refused(root, moment):
    root.children = Interrupted(**{moment: root.end})
    with pytest.raises(SessionClosedError):
        root.join()
    assert not root.children


def test_a_scope_that_ends_just_before_its_session_hands_its_events_over(root):
    sent = []
    child = joined(root, after=lambda: sent.extend(root.end()))
    child.end()
    assert [event.data for event in sent] == [{"id": 1}]


def test_a_scope_that_ends_just_after_its_session_is_refused(root, caplog):
    sent = []
    child = joined(root, before=lambda: sent.extend(root.end()))
    with pytest.raises(SessionClosedError):
        child.end()
    assert sent == []
    assert caplog.messages == ["1 event of job job-1 dropped: the session ended before 1 scope that had joined it"]


def test_a_scope_that_fails_just_after_its_session_has_nothing_to_drop(root):
    child = root.join()
    root.children.clear()  # the end of the session has taken it out, and marks it next
    assert child.abort() == (0, ())
