from contextlib import contextmanager
from contextvars import ContextVar

import pytest

from .peers import cases, table
from .peers.libraries import LIBRARIES, Library
from .peers.peer import Peer
from .peers.verdict import FAILS, LEAKS, MISSING, OK, judge


def test_this_library_is_right_in_every_case():
    assert table.column("bc_events") == dict.fromkeys(cases.CASES, OK)


def test_a_peer_that_is_not_installed_is_not_called_failed(monkeypatch):
    monkeypatch.setitem(LIBRARIES, "nobody", Library("nobody-has-installed-this", "nobody", "nothing", Peer))
    assert table.column("nobody") == dict.fromkeys(cases.CASES, table.ABSENT)


_current = ContextVar("current", default=None)


@contextmanager
def _careless():
    before = _current.get()
    _current.set(object())
    yield
    _current.set(before)


@pytest.mark.parametrize(
    ("probe", "verdict"),
    [
        (cases.generator, FAILS),
        (cases.coroutine, FAILS),
        (cases.outliving_task, LEAKS),
        (cases.fork, LEAKS),
        (cases.exception, MISSING),
        (cases.child_task, OK),
    ],
)
def test_the_probes_see_what_a_careless_scope_does_wrong(probe, verdict):
    peer = Peer(decorator=_careless(), block=_careless, current=_current.get, work=_current.get)
    assert judge(probe, peer)[0] == verdict
