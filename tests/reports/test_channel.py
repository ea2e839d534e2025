"""The channel never delays, breaks or outlives the work, whatever listens at the other end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from bc_events import events
from bc_events._delivery import observers
from bc_events._reports import channel as channels_module
from bc_events._reports.channel import MOST_QUEUED, Channel
from bc_events._reports.channels import channel_to
from bc_events._reports.followed_unit import FollowedUnit
from bc_events._reports.report import made
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.local import LocalEventsAPI
from tests.conftest import TOPICS
from tests.reports.conftest import line_of
from tests.reports.servers import answering, close, endless, hang, listening, nonsense

IDENTITY = b'{"server": "bc-events local Events API"}'
OTHER = {
    "another API": answering("404 Not Found", b'{"message": "Not Found"}'),
    "a page": answering("200 OK", b"<html>"),
    "another document": answering("200 OK", b'{"server": "another"}'),
    "a list": answering("200 OK", b"[]"),
    "a redirect": answering("302 Found", IDENTITY, headers="Location: http://127.0.0.1:1/\r\n"),
    "a failure": answering("500 Internal Server Error", IDENTITY),
    "a longer answer": answering("200 OK", b" " * 10_000 + IDENTITY),
    "nonsense": nonsense,
    "an endless header": endless,
    "hangs": hang,
}


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def report(number=1):
    return made("ended", "job-1", session=number, exception=None)


@pytest.mark.parametrize("answer", OTHER.values(), ids=OTHER)
def test_another_program_gets_one_question_and_no_report(answer):
    with listening(answer) as other:
        channel = Channel(other.url)
        for number in range(3):
            channel.put(report(number))
        until(lambda: channel.is_off)
        channel.put(report())
        assert b"job-1" not in b"".join(other.received)
        assert other.received[0].startswith(b"GET /api/reports HTTP/1.1\r\n")
        assert len(other.received) == 1
        assert b"uthorization" not in other.received[0]


def test_after_that_answer_a_client_has_plain_units_and_publishing_costs_no_more(reporting):
    with listening(OTHER["another API"]) as other:
        client = reporting(other)
        with events.session("job-1", client=client) as session:
            assert type(session.unit) is FollowedUnit
        channel = channel_to(other.url)
        until(lambda: channel.is_off)
        for _ in range(2):
            with events.session("job-1", client=client) as session:
                assert type(session.unit) is UnitOfWork
        assert client.open_unit is UnitOfWork
        until(lambda: not observers.follows_each or any(not one.is_off for one in _channels()))


def _channels():
    from bc_events._reports import channels

    return channels._channels.values()


def test_where_nothing_listens_reports_are_lost_and_a_server_that_starts_later_is_told_how_many():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = Channel(f"http://127.0.0.1:{port}")
    channel.put(report())
    assert channel.wait_until_idle(30)
    with LocalEventsAPI(port) as api:
        until(lambda: _tell(channel) and api.job("job-1").lost_reports)
        assert api.job("job-1").lost_reports >= 1


def _tell(channel):
    channel.put(report())
    return channel.wait_until_idle(30)


def test_a_server_that_was_started_again_on_its_port_is_asked_anew():
    with LocalEventsAPI() as api:
        channel = Channel(api.url)
        assert _tell(channel)
    with LocalEventsAPI(int(api.url.rpartition(":")[2])) as again:
        until(lambda: _tell(channel) and again._reports.of_job("job-1")[0])


def test_another_program_on_the_same_port_later_gets_no_report():
    with LocalEventsAPI() as api:
        channel = Channel(api.url)
        assert _tell(channel)
    with listening(OTHER["another API"], int(api.url.rpartition(":")[2])) as other:
        until(lambda: _tell(channel) and channel.is_off)
        assert b"job-1" not in b"".join(other.received)


@pytest.mark.parametrize("later", [hang, close, nonsense, answering("400 Bad Request", b"{}")])
def test_a_server_that_breaks_after_it_has_said_what_it_is_does_no_harm(later):
    def answer(connection, first):
        (answering("200 OK", IDENTITY) if first.startswith(b"GET") else later)(connection, first)

    with listening(answer) as broken:
        channel = Channel(broken.url)
        assert _tell(channel)
        assert _tell(channel)
        assert not channel.is_off
        assert channel._lost == 2


def test_a_full_queue_loses_the_oldest_reports_and_counts_them():
    with listening(hang) as hanging:
        channel = Channel(hanging.url)
        channel.put(report())
        until(lambda: hanging.received)  # its thread waits for the answer now
        for number in range(MOST_QUEUED + 5):
            channel.put(report(number))
        assert [channel._queue[0]["session"], channel._lost] == [5, 5]


def test_a_report_that_cannot_be_written_is_lost_alone(api):
    channel = Channel(api.url)
    channel.put(made("refused", "job-1", session=1, topic="\ud800", service="x", reason=None, violations=[]))
    channel.put(made("refused", "job-1", session=1, topic="ok", service="x", reason="y", violations=[]))
    assert channel.wait_until_idle(30)
    assert [event.topic for event in api.job("job-1").events] == ["ok"]


def test_many_events_arrive_in_requests_that_the_server_takes(api, reporting):
    """Their data alone is several times as long as a request with reports may be."""
    with events.session("job-1", client=reporting(api)):
        for _ in range(300):
            events.created_test({"id": "x" * 9_000})
        line = line_of(api)
    assert (len(line.events), line.lost_reports) == (300, 0)
    assert all(len(event.data["id"]) == 9_000 for event in line.events)


def test_long_data_is_left_out_until_the_event_arrives(api, reporting):
    with events.session("job-1", client=reporting(api)):
        events.created_test({"id": "x" * 20_000})
        assert [(event.state, event.data) for event in line_of(api).events] == [("open", None)]
    assert line_of(api).events[0].data == {"id": "x" * 20_000}


def test_its_thread_is_a_daemon_that_has_no_session_and_ends_with_the_channel(api, reporting):
    with events.session("job-1", client=reporting(api)):
        line_of(api)
        (thread,) = [one for one in threading.enumerate() if one is channel_to(api.url)._thread]
    assert thread.daemon
    with listening(OTHER["another API"]) as other:
        channel = Channel(other.url)
        channel.put(report())
        channel._thread.join(30)
        assert not channel._thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_reports_on_a_connection_of_its_own(api, reporting):
    client = reporting(api)
    with events.session("job-1", client=client):
        events.created_test({"id": "parent"})
        line_of(api)
        child = os.fork()
        if not child:
            with events.session("job-1", client=client):
                events.created_test({"id": "child"})
            idle = channel_to(api.url).wait_until_idle(30)
            os._exit(0 if idle else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    line = line_of(api)
    assert [(event.data["id"], event.state) for event in line.events] == [("parent", "arrived"), ("child", "arrived")]
    assert [session.pid for session in line.sessions] == [os.getpid(), child]
    assert line.lost_reports == 0


PROGRAM = f"""
from bc_events import EventClient, events
client = EventClient("URL", "TestService", {TOPICS!r}, retry_budget=0, timeout=(1, 1))
try:
    with events.session("job-1", client=client):
        events.created_test({{"id": 1}})
        raise KeyError
except KeyError:
    print("done")
"""


def run(url, program=PROGRAM, **environment):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program.replace("URL", url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("answer", [hang, nonsense, endless, close], ids=["hangs", "nonsense", "endless", "closes"])
def test_a_process_ends_although_the_server_hangs(answer):
    with listening(answer) as other:
        assert run(other.url).stdout == "done\n"


def test_the_wait_at_exit_has_an_end(api):
    """A report that is on its way gets a tenth of a second, and no more."""
    with listening(hang) as hanging:
        channel = Channel(hanging.url)
        channel.put(report())
        until(lambda: hanging.received)
        slept = []
        clock = iter(range(1000))
        channels_module.time.monotonic, monotonic = lambda: next(clock) / 100, channels_module.time.monotonic
        channels_module.time.sleep, sleep = slept.append, channels_module.time.sleep
        try:
            channel.finish()
        finally:
            channels_module.time.monotonic, channels_module.time.sleep = monotonic, sleep
    assert len(slept) <= 11


def test_a_process_that_ends_at_once_has_still_told_what_it_dropped(api):
    run(api.url)
    until(lambda: api.job("job-1").events)
    (event,) = api.job("job-1").events
    assert (event.state, event.exception) == ("rolled back", "KeyError")


def test_an_event_of_a_scope_that_was_never_left_is_lost_when_its_process_ends(api):
    program = PROGRAM.replace("        raise KeyError", "        raise KeyError").replace(
        'with events.session("job-1", client=client):', "if events.session('job-1', client=client).__enter__():"
    )
    run(api.url, program)
    until(lambda: [event.state for event in api.job("job-1").events] == ["lost"])


def test_a_signal_handler_may_publish_in_the_middle_of_a_report(api, reporting):
    published = []

    def publish(_signal, _frame):
        published.append(events.created_test({"id": "signal"}))

    before = signal.signal(signal.SIGALRM, publish)
    try:
        with events.session("job-1", client=reporting(api)):
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            while sum(event.data["id"] == "signal" for event in published[-1000:]) < 5:
                published.append(events.created_test({"id": "work"}))
            signal.setitimer(signal.ITIMER_REAL, 0)
            line = line_of(api)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(line.events) + line.lost_reports >= len(published)
