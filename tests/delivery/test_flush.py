"""A flush: its budget, on a clock of the test's own, and that it loses and doubles nothing."""

import logging
import random
import signal
import threading
import traceback
from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from bc_events import DeliveryError, EventClient
from bc_events._delivery.api import EventsAPI
from bc_events._delivery.flush import Flush
from bc_events._delivery.request import Limits
from bc_events._delivery.wire import Answer, Verdict, requests_for
from tests.conftest import TOPICS

from .scripted import Reply, ScriptedAPI, answers, closes, closes_mid_body, failed, promised, refused, resets

THROTTLED = "ProvisionedThroughputExceededException"


class FakeClock:
    """Time passes only by sleeping, and by what `spend` is told."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class FakeAPI:
    """Answers from a list, then that all is well; each attempt takes `takes` seconds of the clock."""

    is_closed = False

    def __init__(self, clock, *answers, takes=0.0):
        self.clock = clock
        self.answers = list(answers)
        self.takes = takes
        self.patience = []

    def post(self, request, attempt):
        self.patience.append(attempt.patience)
        attempt.was_sent = True
        self.clock.now += self.takes
        answer = (
            self.answers.pop(0) if self.answers else Answer(Verdict.SETTLED, results=("Success",) * len(request.events))
        )
        if isinstance(answer, BaseException):
            raise answer
        return answer


AGAIN = Answer(Verdict.AGAIN, "HTTP 503", status=503)


def requests(session_of, count, size=1):
    return list(requests_for(session_of(None, count).events, Limits(events=size)))


def run(api, sent, budget=5.0):
    Flush(api, sent, budget, api.clock).run()


def stopped(api, sent, budget=5.0, error=DeliveryError):
    with pytest.raises(error) as caught:
        run(api, sent, budget)
    return caught.value


def outcomes(error):
    return [item.outcome for item in error.undelivered]


def test_waits_grow_at_random_up_to_two_seconds(session_of):
    clock = FakeClock()
    run(FakeAPI(clock, *[AGAIN] * 12), requests(session_of, 1), budget=1_000)
    limits = [0.1, 0.2, 0.4, 0.8, 1.6] + [2.0] * 7
    assert all(0 <= slept <= limit for slept, limit in zip(clock.slept, limits, strict=True))
    assert len(set(clock.slept)) == 12


def test_first_attempts_are_not_counted(session_of):
    clock = FakeClock()
    run(FakeAPI(clock, takes=60), requests(session_of, 3), budget=0)
    assert (clock.now, clock.slept) == (180, [])


def test_without_a_budget_nothing_is_repeated(session_of):
    clock = FakeClock()
    api = FakeAPI(clock, AGAIN)
    assert outcomes(stopped(api, requests(session_of, 3), budget=0)) == ["unknown", "unsent", "unsent"]
    assert api.patience == [None]


def test_repeats_and_waits_share_the_budget(session_of):
    clock = FakeClock()
    api = FakeAPI(clock, *[AGAIN] * 100, takes=1.0)
    stopped(api, requests(session_of, 1), budget=5)
    assert sum(clock.slept) + len(api.patience) - 1 == pytest.approx(clock.now - 1)
    assert 4 <= len(api.patience) <= 6
    assert clock.now <= 1 + 5 + 1


def test_a_clock_that_stands_still_keeps_no_flush_from_ending(session_of):
    """As in a test that has frozen the time."""
    clock = FakeClock()
    clock.sleep = clock.slept.append
    assert outcomes(stopped(FakeAPI(clock, *[AGAIN] * 1_000), requests(session_of, 1), budget=5)) == ["unknown"]
    assert sum(clock.slept) <= 5


def test_requests_of_one_flush_share_one_budget(session_of):
    clock = FakeClock()
    well = Answer(Verdict.SETTLED, results=("Success",))
    api = FakeAPI(clock, AGAIN, well, AGAIN, well, AGAIN, takes=3)
    assert outcomes(stopped(api, requests(session_of, 4), budget=5)) == ["unknown", "unsent"]


def test_a_repeat_may_take_no_longer_than_the_budget_that_is_left(session_of):
    clock = FakeClock()
    api = FakeAPI(clock, AGAIN, AGAIN)
    run(api, requests(session_of, 2), budget=5)
    assert api.patience[0] is None
    assert api.patience[1] == pytest.approx(5 - clock.slept[0])
    assert api.patience[2] == pytest.approx(5 - sum(clock.slept))
    assert api.patience[3] is None


def test_a_pause_within_the_budget_is_waited_for_and_one_beyond_it_is_not(session_of):
    clock = FakeClock()
    run(FakeAPI(clock, Answer(Verdict.AGAIN, "HTTP 429", pause=3.0)), requests(session_of, 1))
    assert clock.slept == [3.0]
    clock = FakeClock()
    stopped(FakeAPI(clock, Answer(Verdict.AGAIN, "HTTP 429", pause=5.0)), requests(session_of, 1))
    assert clock.slept == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_flush_goes_on_from_an_error_that_names_every_event(session_of, stop):
    api = FakeAPI(FakeClock(), Answer(Verdict.SETTLED, results=("Success", THROTTLED)), stop())
    interrupt = stopped(api, requests(session_of, 6, size=2), error=stop)
    told = interrupt.__cause__
    assert [(item.event.data["id"], item.outcome) for item in told.undelivered] == [
        *((1, "unknown"), (2, "unsent"), (3, "unsent"), (4, "unsent"), (5, "unsent"))
    ]
    assert told.sent == 1
    assert [len(request.events) for request in told.requests] == [1, 2, 2]


def test_an_error_nobody_expected_becomes_a_delivery_error_that_names_every_event(session_of):
    api = FakeAPI(FakeClock(), RuntimeError("broken"))
    error = stopped(api, requests(session_of, 2))
    assert outcomes(error) == ["unknown", "unsent"]
    assert isinstance(error.__cause__, RuntimeError)


def test_ctrl_c_during_a_flush_logs_what_is_at_risk(session_of, caplog):
    def interrupts(connection):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        hold.wait()
        connection.close()

    hold = threading.Event()
    with ScriptedAPI(Reply(), interrupts) as api:
        session = session_of(api, 3, max_request_events=1)
        events = session.events
        with pytest.raises(KeyboardInterrupt) as caught:
            session.flush()
        hold.set()
    assert outcomes(caught.value.__cause__) == ["unknown", "unsent"]
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.bc_events == [str(event.id) for event in events[1:]]


def test_a_stopped_flush_of_several_jobs_logs_each_under_its_own_id(caplog):
    """A transaction that has only read gives back what several scopes published in it."""

    class Stops:
        record = runner = None

        def discard(self, events):
            raise AssertionError("nothing is discarded here")

        def send(self, events):
            raise KeyboardInterrupt

        def close(self):
            pass

    client = EventClient(None, "FlushService", TOPICS, delivery=Stops())
    published = [
        client.service_session(job).created_test({"id": number})
        for number, job in enumerate(("job-1", "job-2", "job-1"))
    ]
    with pytest.raises(KeyboardInterrupt) as caught:
        client.send(published)
    assert outcomes(caught.value.__cause__) == ["unknown", "unknown", "unknown"]
    assert [(one.bc_job_id, len(one.bc_events)) for one in caplog.records] == [("job-1", 2), ("job-2", 1)]


def test_an_outage_shows_one_traceback_whose_message_has_the_reason_and_the_log_has_the_rest(session_of, caplog):
    caplog.set_level(logging.DEBUG, "bc.events")
    with ScriptedAPI(closes) as api, pytest.raises(DeliveryError) as caught:
        session_of(api, 1, retry_budget=0).flush()
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback (most recent call last)") == 1
    assert "the connection was lost" in shown.splitlines()[-1]
    (record,) = [one for one in caplog.records if one.levelname == "DEBUG"]
    assert record.getMessage() == f"an attempt failed: {caught.value.undelivered[0].reason}"
    assert record.exc_info[0].__name__ == "ConnectionError"


class Model:
    """An Events API that keeps what it takes, remembers keys, and answers at random; some answers are lost."""

    def __init__(self, chance):
        self.chance = chance
        self.stored = Counter()
        self.refused = set()
        self.known = {}

    @answers
    def __call__(self, received):
        draw = self.chance.random()
        if draw < 0.1:
            return self.chance.choice([closes, closes_mid_body, resets])
        reply = self.known.get(received.key) or self._answer(received)
        return closes if draw < 0.2 else reply

    def _answer(self, received):
        kind = self.chance.choice(["records", "records", "throttled", "unavailable", "final", "too large"])
        if kind == "throttled":
            return refused(400, THROTTLED)
        if kind == "unavailable":
            return refused(503)
        if kind == "final":
            self.refused.update(received.ids)
            return refused(400, "ValidationException")
        if kind == "too large":
            self.refused.update(received.ids if len(received.ids) == 1 else ())
            return refused(413)
        return self._records(received)

    def _records(self, received):
        results = ["Success"]
        if len(received.ids) > 1:
            results = self.chance.choices(
                ["Success", THROTTLED, "InternalFailureException", "Poison"], k=len(received.ids)
            )
        self.stored.update(one for one, result in zip(received.ids, results, strict=True) if result == "Success")
        self.refused.update(one for one, result in zip(received.ids, results, strict=True) if result == "Poison")
        self.known[received.key] = failed(*results) if len(received.ids) > 1 else Reply(body=promised(received))
        return self.known[received.key]


@pytest.fixture(scope="module")
def server():
    with ScriptedAPI() as api:
        yield api


def flushed(api, requests, budget):
    """The error of a flush, or None."""
    try:
        Flush(api, requests, budget, FakeClock()).run()
    except DeliveryError as error:
        return error


@settings(max_examples=60, deadline=None)
@given(st.integers(0), st.integers(1, 12), st.integers(1, 5), st.sampled_from([0.0, 0.3, 5.0, 50.0]))
def test_each_record_is_delivered_once_or_named_with_its_reason(server, seed, count, size, budget):
    server.after = model = Model(random.Random(seed))
    session = EventClient(None, "TestService", TOPICS).service_session("job-1")
    events = [session.created_test({"id": number}) for number in range(count)]
    api = EventsAPI(server.url, auth=None, timeout=(3, 3), http=None)
    error = flushed(api, requests_for(events, Limits(events=size)), budget)
    api.close()
    undelivered = error.undelivered if error else ()
    named = {item.event.data["id"]: item for item in undelivered}
    arrived = set(model.stored)
    assert set(model.stored.values()) <= {1}
    assert len(named) == len(undelivered)
    assert set(range(count)) - set(named) <= arrived
    assert all(item.reason for item in undelivered)
    assert {one for one, item in named.items() if item.outcome == "refused"} <= model.refused
    assert not {one for one, item in named.items() if item.outcome != "unknown"} & arrived
    if error:
        assert error.sent == count - len(named)
        assert Counter(one for request in error.requests for one in request.events) == Counter(
            item.event for item in undelivered
        )
