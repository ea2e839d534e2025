"""Undelivered events: a session made by hand keeps them, and sends them once more or leaves them to `resend`."""

import pickle
import signal
import threading

import pytest
from hypothesis import given, settings, strategies as st

from bc_events import DeliveryError, EventClient, EventSession, events
from bc_events._delivery import observers
from bc_events.outbox import SQLiteOutbox
from tests.conftest import TOPICS

from .scripted import Reply, ScriptedAPI, answers, failed, refused

THROTTLED = "ProvisionedThroughputExceededException"
BUSY = refused(503)


@pytest.fixture
def session_of(client_of):
    """A session by hand, with some events pending, of a client that does not retry."""

    def session_of(api, count=0, **options):
        session = client_of(api, retry_budget=0.0, **options).service_session("job-1")
        for number in range(count):
            session.created_test({"id": number})
        return session

    return session_of


def failure(act):
    with pytest.raises(DeliveryError) as caught:
        act()
    return caught.value


def ids(session):
    return [event.data["id"] for event in session.events]


def test_the_next_flush_sends_the_same_bytes_with_the_same_key_and_then_the_newer_events(session_of):
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 2)
        failure(session.flush)
        session.created_test({"id": 2})
        assert ids(session) == [0, 1, 2]
        session.flush()
        assert session.events == []
    assert api.ids == [[0, 1], [0, 1], [2]]
    assert api.received[0].body == api.received[1].body
    assert api.keys[0] == api.keys[1] != api.keys[2]


def test_it_may_fail_any_number_of_times(session_of):
    with ScriptedAPI(BUSY, BUSY, BUSY) as api:
        session = session_of(api, 1)
        for _ in range(3):
            failure(session.flush)
        session.flush()
        session.flush()
    assert api.ids == [[0]] * 4
    assert len(set(api.keys)) == 1


def test_requests_that_had_no_turn_are_sent_under_the_keys_that_the_error_has(session_of):
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 3, max_request_events=1)
        error = failure(session.flush)
        session.flush()
    assert api.ids == [[0], [0], [1], [2]]
    assert api.keys[1:] == [request.key for request in error.requests]


def test_what_was_delivered_or_refused_is_not_kept(session_of):
    """The remaining record is a new request, because the API has answered the first."""
    with ScriptedAPI(failed("Success", "ValidationException", THROTTLED)) as api:
        session = session_of(api, 3)
        failure(session.flush)
        assert ids(session) == [2]
        session.flush()
    assert api.ids == [[0, 1, 2], [2]]


def test_a_resend_takes_the_events_from_the_session(session_of):
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 1)
        error = failure(session.flush)
        session.client.resend(error)
        assert session.events == []
        session.flush()
        session.client.resend(error)
    assert api.ids == [[0], [0]]
    assert len(set(api.keys)) == 1


def test_a_flush_takes_the_events_from_the_error(session_of):
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 1)
        error = failure(session.flush)
        session.flush()
        session.client.resend(error)
    assert api.ids == [[0], [0]]


def test_after_a_resend_that_failed_either_may_send_them(session_of):
    with ScriptedAPI(BUSY, BUSY) as api:
        session = session_of(api, 2)
        first = failure(session.flush)
        second = failure(lambda: session.client.resend(first))
        assert ids(session) == [0, 1]
        session.flush()
        session.client.resend(first)
        session.client.resend(second)
    assert api.ids == [[0, 1]] * 3
    assert len(set(api.keys)) == 1


def test_an_outdated_error_sends_what_is_left_in_its_latest_request(session_of):
    """Its own request has been settled in part: sent again, it would double what has arrived."""
    with ScriptedAPI(BUSY, failed("Success", THROTTLED)) as api:
        session = session_of(api, 2)
        first = failure(session.flush)
        second = failure(session.flush)
        session.client.resend(first)
        session.client.resend(second)
        session.flush()
    assert api.ids == [[0, 1], [0, 1], [1]]
    assert api.keys[2] == second.requests[0].key


def test_refused_events_belong_to_the_error(session_of):
    with ScriptedAPI(refused(400, "SchemaViolation")) as api:
        session = session_of(api, 1)
        error = failure(session.flush)
        assert session.events == []
        session.flush()
        session.client.resend(error)
    assert api.ids == [[0], [0]]


def test_a_rollback_leaves_them_to_the_error(session_of):
    """They were flushed, so the work had succeeded; but the session is to forget them, as with the first client."""
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 2)
        error = failure(session.flush)
        session.created_test({"id": 2})
        assert session.rollback() == 3
        assert session.events == []
        session.flush()
        assert len(api.received) == 1
        session.client.resend(error)
        session.client.resend(error)
    assert api.ids == [[0, 1], [0, 1]]
    assert len(set(api.keys)) == 1


@pytest.mark.parametrize("first", [0, 1])
def test_after_a_rollback_a_resend_that_failed_leaves_them_to_both_errors(session_of, first):
    """The user may have either at hand. The second resend finds nothing left to send."""
    with ScriptedAPI(BUSY, BUSY) as api:
        session = session_of(api, 2)
        errors = [failure(session.flush)]
        session.rollback()
        errors.append(failure(lambda: session.client.resend(errors[0])))
        session.client.resend(errors[first])
        session.client.resend(errors[1 - first])
    assert api.ids == [[0, 1], [0, 1], [0, 1]]
    assert len(set(api.keys)) == 1


def test_a_session_that_publishes_immediately_keeps_them_too(client_of):
    with ScriptedAPI(BUSY) as api:
        session = EventSession("user-id", "user", "job-1", client_of(api, retry_budget=0.0), publish_immediately=True)
        failure(lambda: session.created_test({"id": 0}))
        session.created_test({"id": 1})
        assert ids(session) == [0]
        session.flush()
    assert api.ids == [[0], [1], [0]]
    assert api.keys[0] == api.keys[2]


def test_a_signal_handler_that_raises_a_delivery_error_of_its_own_takes_nothing_from_the_session(session_of):
    def flush_elsewhere(_signal, _frame):
        raise DeliveryError([])

    with ScriptedAPI() as api:
        session = session_of(api, 1)

        @answers
        def interrupt(_received):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return api.hangs

        api.script = [interrupt]
        before = signal.signal(signal.SIGINT, flush_elsewhere)
        try:
            with pytest.raises(DeliveryError):
                session.flush()
        finally:
            signal.signal(signal.SIGINT, before)
        assert ids(session) == [0]


def test_a_flush_that_was_stopped_keeps_what_is_not_known_to_have_arrived(session_of):
    with ScriptedAPI() as api:
        session = session_of(api, 2, max_request_events=1)

        @answers
        def interrupt(_received):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return api.hangs

        api.script = [Reply(), interrupt]
        with pytest.raises(KeyboardInterrupt):
            session.flush()
        assert ids(session) == [1]
        session.flush()
    assert api.ids == [[0], [1], [1]]
    assert api.keys[1] == api.keys[2]


class Told:
    """An observer that counts the events that were confirmed or dropped."""

    published = None

    def __init__(self):
        self.confirmed_events, self.dropped_events = [], []

    def confirmed(self, confirmed):
        self.confirmed_events += confirmed

    def dropped(self, dropped):
        self.dropped_events += dropped

    def __getattr__(self, _name):
        return lambda *_, **__: None


def test_observers_are_told_once_that_the_work_has_succeeded(session_of):
    """The work had succeeded at the flush. A rollback after it takes nothing back."""
    observers.add(told := Told())
    try:
        with ScriptedAPI(BUSY, BUSY) as api:
            session = session_of(api, 1)
            (event,) = session.events
            failure(session.flush)
            failure(session.flush)
            session.rollback()
    finally:
        observers.remove(told)
    assert told.confirmed_events.count(event) == 1
    assert event not in told.dropped_events


def test_a_scope_keeps_nothing_after_a_manual_flush(client_of):
    """In a scope they belong to the error alone. Otherwise leaving the scope would send them unasked."""
    with ScriptedAPI(BUSY) as api:
        client = client_of(api, retry_budget=0.0)
        with events.session(client=client) as session:
            events.created_test({"id": 0})
            error = failure(events.flush)
            assert session.events == []
        assert len(api.received) == 1
        client.resend(error)
    assert api.ids == [[0], [0]]


def test_what_a_resend_delivers_is_not_sent_again_where_it_fails_for_another_event(session_of):
    """Its error names the refused event alone, which the session did not keep."""
    with ScriptedAPI(refused(400, "SchemaViolation"), BUSY, refused(400, "SchemaViolation")) as api:
        session = session_of(api, 3, max_request_events=1)
        error = failure(session.flush)
        failure(lambda: session.client.resend(error))
        session.flush()
    assert api.ids == [[0], [1], [0], [1], [2]]


def test_an_error_that_was_pickled_repeats_its_own_requests(session_of):
    """Another process has it: only the keys tell the API that it knows these requests."""
    with ScriptedAPI(BUSY) as api:
        session = session_of(api, 1)
        session.client.resend(pickle.loads(pickle.dumps(failure(session.flush))))
        session.flush()
    assert api.ids == [[0]] * 3
    assert len(set(api.keys)) == 1


def test_of_flushes_and_resends_on_many_threads_one_sends(session_of):
    with ScriptedAPI(*[BUSY] * 8) as api:
        session = session_of(api, 8, max_request_events=1)
        error = failure(session.flush)
        api.script.clear()
        acts = [session.flush, lambda: session.client.resend(error)] * 4
        start = threading.Barrier(len(acts))
        threads = [threading.Thread(target=lambda act=act: (start.wait(), act())) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(api.ids[1:]) == [[number] for number in range(8)]


def test_with_an_outbox_that_could_not_store_them_they_are_stored_once(tmp_path):
    home = tmp_path / "later"
    outbox = SQLiteOutbox(home / "events.db", relay=False)
    with EventClient(None, "TestService", TOPICS, outbox=outbox) as client:
        session = client.service_session("job-1")
        session.created_test({"id": 0})
        error = failure(session.flush)
        home.mkdir()
        session.created_test({"id": 1})
        session.flush()
        client.resend(error)
        session.flush()
        assert session.events == []
        assert outbox.store.stats().pending == 2


ACTS = st.one_of(st.sampled_from(["publish", "flush", "flush", "rollback"]), st.integers(0, 5))
"""A number is a resend of one of the errors so far."""
ANSWERS = st.sampled_from(["ok", "busy", "busy", "partly", "refused"])


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTS, min_size=4, max_size=14), st.lists(ANSWERS, min_size=3, max_size=12), st.integers(1, 3))
def test_in_any_order_each_event_is_delivered_once_and_none_is_lost(acts, script, size):
    """Against an API that knows no idempotency keys. Only a resend sends what was refused or rolled back."""
    with (
        Ledger(script) as ledger,
        EventClient(ledger.url, "TestService", TOPICS, retry_budget=0.0, max_request_events=size) as client,
    ):
        session = client.service_session("job-1")
        errors, rolled_back, count = [], set(), 0
        for act in ["publish", "publish", "publish", *acts, ledger.heal, "flush"]:
            try:
                if act == "publish":
                    session.created_test({"id": count})
                    count += 1
                elif act == "flush":
                    session.flush()
                elif act == "rollback":
                    rolled_back |= set(ids(session))
                    session.rollback()
                elif act == ledger.heal:
                    ledger.heal()
                elif errors:
                    client.resend(errors[act % len(errors)])
            except DeliveryError as error:
                errors.append(error)
        once = [number for number in ledger.delivered if number not in ledger.refused]
        assert len(once) == len(set(once))
        assert set(range(count)) - rolled_back - ledger.refused <= set(once)


class Ledger(ScriptedAPI):
    """An API that answers by script, and notes which events it has taken and which it has refused."""

    def __init__(self, script):
        super().__init__()
        self.delivered = []
        self.refused = set()
        self._answers = list(script)
        self.after = answers(lambda received: self._answer(received))

    def heal(self):
        self._answers.clear()

    def _answer(self, received):
        answer = self._answers.pop(0) if self._answers else "ok"
        if answer == "busy":
            return BUSY
        if answer == "refused":
            self.refused |= set(received.ids)
            return refused(400, "SchemaViolation")
        if answer == "partly" and len(received.ids) > 1:
            self.delivered += received.ids[:1]
            return failed("Success", *[THROTTLED] * (len(received.ids) - 1))
        self.delivered += received.ids
        return Reply()
