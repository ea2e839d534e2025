"""The line of a job shows what became of each event, also of those that did not arrive."""

import pytest

from bc_events import DeliveryError, InvalidEventError, SessionClosedError, events
from bc_events.outbox import SQLiteOutbox
from bc_events.outbox._relay.relay import Relay
from tests.reports.conftest import line_of, service, states


def test_an_event_is_open_until_its_session_ends_and_then_arrived(api, reporting):
    with events.session("job-1", client=reporting(api)):
        published = events.created_test({"id": 1})
        (event,) = line_of(api).events
        assert (event.state, event.event_id, event.data) == ("open", str(published.id), {"id": 1})
        assert "still open" in event.reason
    (event,) = line_of(api).events
    assert (event.state, event.reason, event.seqs) == ("arrived", "", (1,))
    assert (event.service, event.actor.id, event.topic) == ("TestService", "TestService", "testing.TestCreated")


def test_a_savepoint_that_failed_is_named_with_the_class_of_its_exception(api, reporting):
    with events.session("job-1", client=reporting(api)):
        events.created_test({"id": 1})
        with pytest.raises(KeyError), events.session():
            with events.session():
                events.created_test({"id": 2})
            raise KeyError("secret")
    line = line_of(api)
    kept, dropped = line.events
    outer, failed, inner = line.sessions
    assert [kept.state, dropped.state] == ["arrived", "rolled back"]
    assert (dropped.exception, dropped.reason) == ("KeyError", "the scope ended with KeyError")
    assert (dropped.session, dropped.rolled_back_by) == (inner.id, failed.id)
    assert (failed.parent, inner.parent, outer.parent) == (outer.id, failed.id, None)
    assert [one.exception for one in line.sessions] == [None, "KeyError", None]
    assert "secret" not in line.json.decode()


def test_an_event_that_is_refused_at_the_call_has_its_violations(api, reporting):
    with events.session("job-1", client=reporting(api)), pytest.raises(InvalidEventError):
        events.created_test({"premium": "secret"})
    (event,) = line_of(api).events
    assert (event.state, event.topic) == ("refused", "testing.TestCreated")
    assert [(one.path, one.rule) for one in event.violations] == [("", "required")]
    assert "secret" not in line_of(api).json.decode()


def test_an_event_that_is_only_logged_as_invalid_is_refused_too(api, reporting):
    with events.session("job-1", client=reporting(api, on_invalid="log")):
        events.created_test({})
    assert states(line_of(api)) == ["refused"]


def test_an_event_that_is_too_large_is_refused(api, reporting):
    client = reporting(api, max_request_bytes=300)
    with events.session("job-1", client=client), pytest.raises(InvalidEventError):
        events.created_test({"id": "x" * 300})
    (event,) = line_of(api).events
    assert (event.state, event.violations[0].rule) == ("refused", "size")


def test_a_misspelt_name_is_refused_with_the_closest_one(api, reporting):
    with events.session("job-1", client=reporting(api)), pytest.raises(AttributeError):
        events.created_tset({"id": 1})
    (event,) = line_of(api).events
    assert (event.state, event.topic) == ("refused", "created_tset")
    assert "did you mean created_test?" in event.reason


def test_a_look_at_an_attribute_of_a_session_is_no_refusal(api, reporting):
    with events.session("job-1", client=reporting(api)) as session:
        assert not hasattr(session, "shape")
    assert line_of(api).events == ()


def test_a_call_after_the_end_of_its_session_is_refused(api, reporting):
    with events.session("job-1", client=reporting(api)) as session:
        pass
    with pytest.raises(SessionClosedError):
        session.created_test({"id": 1})
    (event,) = line_of(api).events
    assert event.state == "refused"
    assert "has ended" in event.reason


def test_a_retry_is_shown_under_its_key_with_the_response_before_it(api, reporting):
    api.faults(unavailable={"count": 1, "retry_after": 0})
    with events.session("job-1", client=reporting(api)):
        events.created_test({"id": 1})
    (event,) = line_of(api).events
    first, second = event.requests
    assert event.state == "arrived"
    assert first.idempotency_key == second.idempotency_key
    assert [(one.status, one.is_retry) for one in event.requests] == [(503, False), (201, True)]
    assert "503" in first.reason


def test_an_event_that_a_flush_has_given_up_is_undelivered(api, reporting):
    api.faults(unavailable={})
    with pytest.raises(DeliveryError), events.session("job-1", client=reporting(api, retry_budget=0)):
        events.created_test({"id": 1})
    (event,) = line_of(api).events
    assert event.state == "undelivered"
    assert event.reason.startswith("unknown: HTTP 503")


def test_an_event_that_is_sent_again_later_has_arrived(api, reporting):
    api.faults(unavailable={"count": 1})
    client = reporting(api, retry_budget=0)
    with pytest.raises(DeliveryError) as raised, events.session("job-1", client=client):
        events.created_test({"id": 1})
    assert states(line_of(api)) == ["undelivered"]
    client.resend(raised.value)
    assert states(line_of(api)) == ["arrived"]


def test_an_event_whose_response_was_lost_has_arrived_all_the_same(api, reporting):
    api.faults(lost_answer={})
    with pytest.raises(DeliveryError), events.session("job-1", client=reporting(api, retry_budget=0)):
        events.created_test({"id": 1})
    (event,) = line_of(api).events
    assert (event.state, event.seqs) == ("arrived", (1,))


def test_of_a_request_that_failed_in_part_each_event_has_its_own_state(api, reporting):
    with LocalAPIThatKnows(reporting) as (checked, client):
        with pytest.raises(DeliveryError), events.session("job-1", client=client):
            events.created_test({"id": 1})
            events.updated_my_entity({"id": 2})
            events.created_test({"id": 3})
        line, checked_events = line_of(checked), checked.events()
    assert states(line) == ["arrived", "undelivered", "arrived"]
    assert [[one.data["id"] for one in checked_events if one.seq in event.seqs] for event in line.events] == [
        [1],
        [],
        [3],
    ]


class LocalAPIThatKnows:
    """One that knows only the first topic."""

    def __init__(self, reporting):
        self._reporting = reporting

    def __enter__(self):
        from bc_events.local import LocalEventsAPI
        from tests.conftest import TOPICS

        self._api = LocalEventsAPI(topics={**TOPICS, "Topics": TOPICS["Topics"][:1]}).start()
        return self._api, self._reporting(self._api)

    def __exit__(self, *_exception):
        self._api.stop()


def test_records_that_failed_and_were_stored_twice_have_both_numbers(api, reporting):
    api.faults(seed=3, partial_failure={"count": 3})
    with events.session("job-1", client=reporting(api)):
        for number in range(6):
            events.created_test({"id": number})
    line = line_of(api)
    assert states(line) == ["arrived"] * 6
    assert sorted(seq for event in line.events for seq in event.seqs) == [event.seq for event in api.events()]
    assert all(api.events()[seq - 1].data == event.data for event in line.events for seq in event.seqs)


def test_a_rollback_by_hand_is_called_that(api, reporting):
    session = reporting(api).service_session("job-1")
    session.created_test({"id": 1})
    session.rollback()
    (event,) = line_of(api).events
    assert (event.state, event.reason, event.exception) == ("rolled back", "it was rolled back by hand", None)


def test_a_scope_that_outlives_its_session_is_the_reason(api, reporting):
    """Its own exit then raises."""
    with pytest.raises(SessionClosedError):
        outer = events.session("job-1", client=reporting(api))
        outer.__enter__()
        inner = events.session()
        inner.__enter__()
        events.created_test({"id": 1})
        outer.__exit__(None, None, None)
        inner.__exit__(None, None, None)
    (event,) = line_of(api).events
    assert (event.state, event.reason) == ("rolled back", "the session ended before a scope that had joined it")


def test_events_that_nobody_reported_are_in_the_line_too(api, client_of):
    """Another program may have sent them, or a client that is told to report nothing."""
    with events.session("job-1", client=client_of(api)):
        events.created_test({"id": 1})
    (event,) = api.job("job-1").events
    assert (event.state, event.service, event.session, event.seqs) == ("arrived", None, None, (1,))


def test_the_line_has_the_events_of_all_services_in_the_order_of_time(api, reporting):
    first, second = reporting(api), service(api, "OtherService")
    with events.session("job-1", client=first):
        events.created_test({"id": 1})
        with events.session(client=second):
            events.created_test({"id": 2})
        events.created_test({"id": 3})
    line = line_of(api)
    assert [(event.service, event.data["id"]) for event in line.events] == [
        ("TestService", 1),
        ("OtherService", 2),
        ("TestService", 3),
    ]
    assert states(line) == ["arrived"] * 3


def test_a_job_has_only_its_own_events(api, reporting):
    client = reporting(api)
    for job_id in ("job-*", "job-1", "job'2"):
        with events.session(job_id, client=client):
            events.created_test({"id": job_id})
    assert [event.data["id"] for event in line_of(api, "job-*").events] == ["job-*"]
    assert [event.data["id"] for event in line_of(api, "job'2").events] == ["job'2"]
    assert line_of(api, "job-3").events == ()


def test_a_lazy_actor_is_not_looked_up_for_a_report(api, reporting):
    class Lazy:
        looked_up = 0

        @property
        def id(self):
            self.looked_up += 1
            return "user-12345"

        type = "user"
        tail = b',"actor":{"id":"user-12345","type":"user"}}'

        def now(self):
            return None

    from bc_events._unit.unit_of_work import UnitOfWork

    client = reporting(api)
    unit: UnitOfWork = client.open_unit(client, lazy := Lazy(), "job-1")
    unit.call("created_test", {"id": 1})
    (event,) = line_of(api).events
    assert (event.state, event.actor) == ("open", None)
    assert lazy.looked_up == 0
    unit.abort()


def test_events_in_an_outbox_wait_and_then_arrive(api, reporting, tmp_path):
    client = reporting(api, outbox=SQLiteOutbox(str(tmp_path / "events.db"), relay=False))
    with events.session("job-1", client=client):
        events.created_test({"id": 1})
    assert states(line_of(api)) == ["waiting"]
    with Relay.of(client) as relay:
        relay.drain(30)
    assert states(line_of(api)) == ["arrived"]


def test_a_dead_letter_has_the_reason_of_the_response(api, reporting, tmp_path):
    with LocalAPIThatKnows(reporting) as (checked, _):
        client = reporting(checked, outbox=SQLiteOutbox(str(tmp_path / "events.db"), relay=False))
        with events.session("job-1", client=client):
            events.updated_my_entity({"id": 2})
        with Relay.of(client) as relay:
            relay.drain(30)
        (event,) = line_of(checked).events
    assert event.state == "dead"
    assert "UnknownTopicException" in event.reason
