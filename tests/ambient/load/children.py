"""Children: processes started in and around open scopes, while another thread of the parent publishes."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bc_events import EventsError, events
from tests.ambient.recording import say

from .crowds import switching_often
from .ledger import Ledger, ledger_client
from .publisher import Publisher
from .reconciliation import reconcile

_PATIENCE = 60
"""Seconds that a child may take; one that takes longer is ended, and counts as troubled."""
_COUNT = 4
_PAUSE = 0.0005
"""Seconds between two sessions of the other thread, which leave the processor to the children."""
_NOISE = 1_000_000
"""The first index of the other thread's publishers; a child's is its parent's plus one."""


class _Noise:
    """A thread that opens, fills and flushes sessions until it is told to stop."""

    def __init__(self):
        self.publishers = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._is_over.set()
        self._thread.join()

    def _run(self):
        for index in itertools.count(_NOISE):
            if self._is_over.wait(_PAUSE):
                return
            publisher = Publisher(index, _COUNT)
            self.publishers.append(publisher)
            speak(publisher)


def speak(publisher):
    with events.user_context(publisher.actor, publisher.job):
        for number in publisher.numbers:
            say(number)


def _is_alone():
    """Whether no session of the parent's is live here, and publishing is refused."""
    try:
        say(0)
    except EventsError:
        return events.current_job_id() is None
    return False


def _work(publisher):
    """The work of a child. Its exit code is 1 if it finds itself in its parent's session."""
    is_alone = _is_alone()
    speak(publisher)
    return 0 if is_alone else 1


def _work_and_exit(publisher):
    raise SystemExit(_work(publisher))


def _work_in_a_new_interpreter(path, publisher):
    events.configure(ledger_client(Ledger(path)))
    _work_and_exit(publisher)


@contextmanager
def _at_once(_parent):
    """No scope is open."""
    yield


@contextmanager
def _in_a_session(parent):
    with events.user_context(parent.actor, parent.job):
        yield


@contextmanager
def _in_a_savepoint(parent):
    with events.user_context(parent.actor, parent.job), events.session():
        yield


@contextmanager
def _after_publishing(parent):
    """The parent has events pending, and publishes the rest once the child runs."""
    with events.user_context(parent.actor, parent.job):
        for number in parent.numbers[:2]:
            say(number)
        yield
        for number in parent.numbers[2:]:
            say(number)


_PLACES = (_at_once, _in_a_session, _in_a_savepoint, _after_publishing)


def _fork(place, parent, child):
    """True where the child ended well. The child leaves the scopes it inherits as the parent does: by their exits."""
    process = 0
    code = 70
    try:
        with place(parent):
            process = os.fork()
            if process == 0:
                signal.alarm(_PATIENCE)
                code = _work(child)
                raise _Leaving
    except _Leaving:
        pass
    finally:
        if process == 0:
            os._exit(code)
    if place is not _after_publishing:
        speak(parent)
    return os.waitpid(process, 0)[1] == 0


class _Leaving(Exception):
    """Takes a forked child out of its parent's scopes."""


def _families(children):
    return [(Publisher(2 * turn, _COUNT), Publisher(2 * turn + 1, _COUNT)) for turn in range(children)]


@contextmanager
def _ledger():
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder, "ledger"))
        with ledger_client(ledger) as client, events.override(client), switching_often():
            yield ledger


def forked(children):
    """Bare `os.fork`, at each of several places."""
    families = _families(children)
    with _ledger() as ledger:
        with _Noise() as noise:
            ends = [_fork(_PLACES[turn % len(_PLACES)], *family) for turn, family in enumerate(families)]
        return _judged(families, noise, ledger, ends.count(False))


def _started(method, children, arguments):
    """A multiprocessing.Process per family, started in the parent's session after its first events."""
    context = multiprocessing.get_context(method)
    families = _families(children)
    running = []
    with _ledger() as ledger:
        with _Noise() as noise:
            for parent, child in families:
                with _after_publishing(parent):
                    target, *given = arguments(ledger, child)
                    running.append(context.Process(target=target, args=given))
                    running[-1].start()
            ends = [_has_ended_well(process) for process in running]
        return _judged(families, noise, ledger, ends.count(False))


def _has_ended_well(process):
    process.join(_PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode == 0


def process_forked(children):
    return _started("fork", children, lambda _ledger, child: (_work_and_exit, child))


def process_spawned(children):
    return _started("spawn", children, lambda ledger, child: (_work_in_a_new_interpreter, ledger.path, child))


def pooled(children):
    """Tasks of a pool of forked workers; the pool and its tasks are started inside open sessions."""
    families = _families(children)
    with _ledger() as ledger:
        with _Noise() as noise, ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
            running = []
            for parent, child in families:
                with _after_publishing(parent):
                    running.append(pool.submit(_work, child))
            ends = [task.result(_PATIENCE) == 0 for task in running]
        return _judged(families, noise, ledger, ends.count(False))


def _judged(families, noise, ledger, troubled):
    publishers = [*itertools.chain.from_iterable(families), *noise.publishers]
    return reconcile(publishers, ledger.arrivals(), troubled)
