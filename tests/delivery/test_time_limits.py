"""An exception that is raised into a flush from outside goes on, whatever its class; a network failure does not."""

import ctypes
import functools
import signal
import socket
import sys
import threading
import time

import pytest
import requests
import urllib3

from bc_events import DeliveryError, events
from bc_events._runtime.interrupts import raised_outside
from bc_events.outbox import Relay, SQLiteOutbox

from .raw import RawAPI, response

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGALRM")


class Limit(Exception):
    """As Celery's SoftTimeLimitExceeded."""


class LimitOfTime(TimeoutError):
    """As a time limit of somebody's own, which urllib3 takes for a timeout of the network."""


class LimitOfSystem(ConnectionResetError):
    """A time limit of the worst possible class."""


CLASSES = [Limit, LimitOfTime, LimitOfSystem, TimeoutError, OSError, ValueError, RuntimeError, requests.ReadTimeout]
CLASSES += [urllib3.exceptions.ProtocolError, socket.gaierror, BaseException]


@pytest.fixture
def alarm():
    """Has a signal handler called after so many seconds."""

    def set_alarm(handler, seconds=0.1):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.getsignal(signal.SIGALRM)
    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def raises(error):
    def handler(_signal, _frame):
        raise error

    return handler


def told(error):
    """[(id, outcome)] of what an exception from outside says is undelivered."""
    assert isinstance(error.__cause__, DeliveryError)
    return [(item.event.data["id"], item.outcome) for item in error.__cause__.undelivered]


@pytest.mark.parametrize(
    ("kind", "http"), [*((kind, "own") for kind in CLASSES), (CLASSES[0], "ready")], indirect=["http"]
)
def test_an_exception_of_a_signal_handler_goes_on_whatever_its_class(session_of, alarm, kind, http):
    error = kind("the time is over")
    with RawAPI(response()) as api:
        api.answers.append(api.hangs)
        session = session_of(api, 3, max_request_events=1, timeout=(5, 5), **http)
        alarm(raises(error))
        with pytest.raises(kind) as caught:
            session.flush()
    assert caught.value is error
    assert told(caught.value) == [(1, "unknown"), (2, "unsent")]


def test_a_scope_hands_it_on(client_of, alarm):
    with RawAPI() as api:
        api.answers = [api.hangs]
        alarm(raises(LimitOfTime()))
        with pytest.raises(LimitOfTime) as caught, events.session(client=client_of(api, timeout=(5, 5))):
            events.created_test({"id": 0})
    assert told(caught.value) == [(0, "unknown")]


class Handler:
    def __call__(self, _signal, _frame):
        self.give_up()

    def give_up(self):
        raise TimeoutError("the time is over")


def _in_general(*args):
    Handler()(*args)


@pytest.mark.parametrize("handler", [Handler(), functools.partial(_in_general), _in_general])
def test_however_the_handler_is_made(session_of, alarm, handler):
    with RawAPI() as api:
        api.answers = [api.hangs]
        session = session_of(api, 1, timeout=(5, 5))
        alarm(handler)
        with pytest.raises(TimeoutError, match="the time is over") as caught:
            session.flush()
    assert told(caught.value) == [(0, "unknown")]


def test_it_goes_on_from_a_wait_between_attempts(session_of, alarm):
    with RawAPI(response("503 Busy", b"", "Retry-After: 3")) as api:
        session = session_of(api, 1)
        alarm(raises(LimitOfTime()))
        with pytest.raises(LimitOfTime) as caught:
            session.flush()
    assert told(caught.value) == [(0, "unknown")]


def test_what_it_stops_before_anything_was_sent_is_unsent(session_of, alarm):
    def token():
        time.sleep(5)

    with RawAPI() as api:
        session = session_of(api, 2, auth=token)
        alarm(raises(LimitOfTime()))
        with pytest.raises(LimitOfTime) as caught:
            session.flush()
    assert told(caught.value) == [(0, "unsent"), (1, "unsent")]


@pytest.mark.parametrize("kind", [Limit, LimitOfTime, LimitOfSystem, TimeoutError, ValueError])
def test_an_exception_that_is_injected_into_the_thread_goes_on(session_of, kind):
    caught = []

    def work(session):
        try:
            session.flush()
        except Exception as error:
            caught.append(error)

    with RawAPI() as api:
        arrived = threading.Event()

        def inject(connection):
            arrived.set()
            injected.wait()
            connection.sendall(b"H")
            api.hangs(connection)

        injected = threading.Event()
        api.answers = [inject]
        thread = threading.Thread(target=work, args=(session_of(api, 1, timeout=(5, 5)),))
        thread.start()
        arrived.wait()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(kind))
        injected.set()
        thread.join()
    assert type(caught[0]) is kind
    assert told(caught[0]) == [(0, "unknown")]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"SSH-2.0\r\n"])
def test_a_network_failure_is_a_delivery_error_also_where_a_time_limit_is_being_handled(session_of, alarm, answer):
    """An exception that was raised before the flush began has nothing to do with it."""
    alarm(raises(LimitOfTime()))
    with RawAPI(lambda connection: connection.sendall(answer)) as api:
        try:
            time.sleep(5)
        except TimeoutError:
            with pytest.raises(DeliveryError):
                session_of(api, 1, retry_budget=0).flush()


def test_an_exception_without_a_traceback_is_not_from_outside():
    assert raised_outside(Limit(), handled=None) is None


def test_a_relay_reports_an_exception_from_outside_and_sends_its_events_again(client_of, tmp_path, caplog):
    with RawAPI() as api:
        arrived = threading.Event()

        def inject(connection):
            arrived.set()
            injected.wait()
            connection.sendall(b"H")

        injected = threading.Event()
        api.answers = [inject]
        client = client_of(api, outbox=SQLiteOutbox(tmp_path / "events.db", relay=False))
        session = client.service_session("job-1")
        session.created_test({"id": 1})
        session.flush()
        with Relay.of(client):
            arrived.wait()
            (ident,) = [one.ident for one in threading.enumerate() if one.name == "bc-events-relay"]
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Limit))
            injected.set()
            deadline = time.monotonic() + 5
            while not caplog.records and time.monotonic() < deadline:
                time.sleep(0.01)
    assert any("was interrupted" in record.getMessage() and record.exc_info for record in caplog.records)
