"""The local Events API misbehaves as it is told, and the same way each time."""

from contextlib import suppress

import pytest
import requests

from bc_events import DeliveryError, EventClient, events
from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post

RETRYABLE = {"ProvisionedThroughputExceededException", "InternalFailureException"}


def test_unavailable_answers_503_with_retry_after_and_stores_nothing(local_events_api):
    local_events_api.faults(unavailable={"count": 1, "retry_after": 7})
    answer = post(local_events_api, envelope())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert "errorType" not in answer.json()
    assert local_events_api.events() == []


def test_unavailable_may_be_another_status_that_says_to_try_later(local_events_api):
    local_events_api.faults(unavailable={"status": 429})
    assert post(local_events_api, envelope()).status_code == 429


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("kind", "error_type"),
    [("throttle", "ProvisionedThroughputExceededException"), ("internal_failure", "InternalFailureException")],
)
def test_whole_requests_fail_with_a_retryable_type(local_events_api, kind, error_type, status):
    local_events_api.faults(**{kind: {"count": 1, "status": status}})
    answer = post(local_events_api, [envelope()] * 2)
    assert (answer.status_code, answer.json()["errorType"]) == (status, error_type)
    assert local_events_api.events() == []


@pytest.mark.parametrize(
    "kind", ["unavailable", "throttle", "internal_failure", "too_large", "partial_failure", "lost_answer"]
)
def test_a_fault_with_no_options_meets_each_request(local_events_api, kind):
    local_events_api.faults(**{kind: {}})
    with suppress(requests.ConnectionError):
        post(local_events_api, [envelope()] * 2)
    assert [(one.fault, one.outcome) for one in local_events_api.requests()] == [(kind, "faulted")]


def test_too_large_may_depend_on_the_number_of_records(local_events_api):
    local_events_api.faults(too_large={"records": 3})
    assert post(local_events_api, [envelope()] * 3).status_code == 413
    assert post(local_events_api, [envelope()] * 2).status_code == 201


def test_a_lost_answer_closes_the_connection_after_storing(local_events_api):
    local_events_api.faults(lost_answer={"count": 1})
    with pytest.raises(requests.ConnectionError):
        post(local_events_api, envelope(), key="key-lost")
    assert len(local_events_api.events()) == 1
    assert post(local_events_api, envelope(), key="key-lost").status_code == 201
    assert len(local_events_api.events()) == 1
    assert [(one.status, one.fault) for one in local_events_api.requests()] == [(None, "lost_answer"), (201, None)]


def test_partial_failures_are_retryable_and_half_of_them_are_stored_anyway(local_events_api):
    local_events_api.faults(partial_failure={"probability": 0.4}, seed=3)
    answer = post(local_events_api, [envelope(data={"id": number}) for number in range(200)]).json()
    failed = {number for number, result in enumerate(answer["records"]) if result != "Success"}
    assert set(answer["records"]) == RETRYABLE | {"Success"}
    assert answer["failedRecords"] == len(failed) == local_events_api.fired()["partial_failure"]
    stored = {event.data["id"] for event in local_events_api.events()}
    assert set(range(200)) - failed <= stored
    assert len(stored & failed) == pytest.approx(len(failed) / 2, rel=0.4)


def test_latency_waits_before_anything_is_stored():
    """The delay is a minute, and the test does not wait for its end."""
    with LocalEventsAPI() as api:
        api.faults(latency={"ms": 60_000})
        with pytest.raises(requests.Timeout):
            requests.post(f"{api.url}/events", json=envelope(), headers={"x-britecore-job-id": "1"}, timeout=(10, 0.1))
        while not api.fired():
            """Until the request has come in."""
        assert api.events() == []


def test_latency_has_an_end(local_events_api):
    local_events_api.faults(latency={"ms": 1})
    assert post(local_events_api, envelope()).status_code == 201
    assert local_events_api.fired() == {"latency": 1}


def test_a_fault_may_leave_the_first_requests_alone(local_events_api):
    local_events_api.faults(unavailable={"after": 2, "count": 1})
    assert [post(local_events_api, envelope()).status_code for _ in range(4)] == [201, 201, 503, 201]


def fates(api: LocalEventsAPI, seed: int, **plan) -> list:
    api.clear()
    api.faults(seed=seed, **plan)
    bodies = [post(api, [envelope()] * 20) for _ in range(12)]
    return [(answer.status_code, answer.json().get("records")) for answer in bodies]


def test_the_same_seed_and_requests_have_the_same_fate(local_events_api):
    plan = {"unavailable": {"probability": 0.3}, "partial_failure": {"probability": 0.2}}
    first = fates(local_events_api, 11, **plan)
    assert fates(local_events_api, 11, **plan) == first
    assert fates(local_events_api, 12, **plan) != first


def test_a_kind_of_fault_does_not_shift_another(local_events_api):
    alone = fates(local_events_api, 5, unavailable={"probability": 0.4})
    beside = fates(local_events_api, 5, unavailable={"probability": 0.4}, partial_failure={"probability": 0.5})
    assert [status for status, _ in alone] == [status for status, _ in beside]


def test_kinds_of_faults_do_not_happen_in_step(local_events_api):
    local_events_api.faults(latency={"probability": 0.5, "ms": 0}, unavailable={"probability": 0.5})
    happened = set()
    for _ in range(20):
        before = local_events_api.fired()
        post(local_events_api, envelope())
        after = local_events_api.fired()
        happened.add(tuple(after[kind] > before[kind] for kind in ("latency", "unavailable")))
    assert happened == {(True, True), (True, False), (False, True), (False, False)}


def test_faults_are_set_read_and_cleared_over_http(local_events_api):
    plan = {"throttle": {"count": 2, "status": 400}}
    answer = ask(local_events_api, "PUT", "/api/faults", json={"faults": plan, "seed": 9})
    assert answer.json() == {"seed": 9, "faults": plan, "fired": {"throttle": 0}}
    post(local_events_api, envelope())
    assert ask(local_events_api, "GET", "/api/faults").json()["fired"] == {"throttle": 1}
    assert ask(local_events_api, "DELETE", "/api/faults").status_code == 204
    assert post(local_events_api, envelope()).status_code == 201


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b"[]", "give"),
        (b'{"faults": {"thunder": {}}}', "thunder"),
        (b'{"faults": {"throttle": {"probability": 2}}}', "/throttle/probability"),
        (b'{"faults": {"throttle": {"status": 503}}}', "/throttle/status"),
        (b'{"faults": {}, "seed": "x"}', "seed"),
    ],
)
def test_faults_that_cannot_be_followed_are_refused_and_change_nothing(local_events_api, body, named):
    local_events_api.faults(unavailable={})
    answer = ask(local_events_api, "PUT", "/api/faults", data=body)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert post(local_events_api, envelope()).status_code == 503


def test_a_client_delivers_every_event_through_all_of_it(local_events_api):
    """600 events: none is lost, and only what a partial failure had stored comes twice."""
    local_events_api.faults(
        seed=4,
        unavailable={"count": 1, "retry_after": 0},
        throttle={"count": 1, "after": 1},
        internal_failure={"count": 1, "after": 2, "status": 400},
        partial_failure={"probability": 0.02},
        lost_answer={"count": 2, "after": 1},
        too_large={"records": 200},
    )
    with (
        EventClient(local_events_api.url, "PolicyService", TOPICS, retry_budget=30) as client,
        events.session("job-1", client=client),
    ):
        for number in range(600):
            events.created_policy({"id": number})
    numbers = [event.data["id"] for event in local_events_api.events()]
    assert set(numbers) == set(range(600))
    assert len(numbers) - 600 <= local_events_api.fired()["partial_failure"]


def test_an_outage_beyond_the_budget_is_a_delivery_error(local_events_api):
    local_events_api.faults(unavailable={"retry_after": 60})
    with (
        EventClient(local_events_api.url, "PolicyService", TOPICS) as client,
        pytest.raises(DeliveryError) as caught,
        events.session(client=client),
    ):
        events.created_policy({"id": 1})
    assert [item.outcome for item in caught.value.undelivered] == ["unknown"]


TOPICS = {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": True}]}
