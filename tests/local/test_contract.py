"""`POST /events` and `POST /events/bulk/` answer as the contract says."""

import orjson
import pytest

from bc_events import Actor, EventClient, events
from bc_events.local import LocalEventsAPI

from .wire import USER, envelope, post

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [
        {
            "Action": "Created",
            "Entity": "Policy",
            "Schema": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        }
    ],
}


def test_a_single_event_gets_an_id_and_its_job_back(local_events_api):
    answer = post(local_events_api, envelope())
    assert answer.status_code == 201
    [event] = local_events_api.events()
    assert answer.json() == {"eventId": event.event_id, "jobId": "job-1"}
    assert (event.topic, event.data, event.actor) == ("policies.PolicyCreated", {"id": 1}, Actor("cognito-1", "user"))


def test_bulk_answers_one_result_per_record_in_order(local_events_api):
    answer = post(local_events_api, [envelope(data={"id": number}) for number in range(250)])
    assert answer.status_code == 201
    assert answer.json() == {"failedRecords": 0, "records": ["Success"] * 250}
    assert [event.data["id"] for event in local_events_api.events()] == list(range(250))


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "created"},
        {"action": "Created\n"},
        {"category": "Policies"},
        {"entity": "policy"},
        {"data": {}},
        {"data": [1]},
        {"actor": {"id": "abcd", "type": "user"}},
        {"actor": {"id": "abcde", "type": "robot"}},
        {"actor": {**USER, "name": "Ada"}},
        {"actor": None},
        {"jobId": "job-1"},
    ],
    ids=str,
)
def test_an_envelope_that_breaks_a_rule_is_refused(local_events_api, changes):
    """Single and in bulk; in bulk with the place of the bad record, and its neighbours are not stored."""
    single = post(local_events_api, envelope(**changes))
    bulk = post(local_events_api, [envelope(), envelope(**changes)])
    assert (single.status_code, bulk.status_code) == (400, 400)
    assert single.json()["errorType"] == bulk.json()["errorType"] == "ValidationException"
    assert bulk.json()["errorMessage"].startswith("/1")
    assert local_events_api.events() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[1]", b"null", b'{"data":NaN}', b"\xff"], ids=repr)
def test_a_body_that_is_no_request_is_refused(local_events_api, body):
    answer = post(local_events_api, body)
    assert (answer.status_code, answer.json()["errorType"]) == (400, "ValidationException")


def test_more_than_250_records_are_refused(local_events_api):
    assert post(local_events_api, [envelope()] * 251).status_code == 400


@pytest.mark.parametrize("job", [None, "with space", "x" * 256])
def test_a_job_id_is_required_and_checked(local_events_api, job):
    answer = post(local_events_api, envelope(), job=job)
    assert (answer.status_code, answer.json()["errorType"]) == (400, "InvalidJobIdException")


def test_a_known_key_gets_the_same_answer_and_stores_nothing_again(local_events_api):
    first = post(local_events_api, envelope(), key="key-1")
    again = post(local_events_api, envelope(), key="key-1")
    assert (again.status_code, again.content) == (201, first.content)
    assert len(local_events_api.events()) == 1
    assert [request.is_replay for request in local_events_api.requests()] == [False, True]


def test_a_key_of_a_refused_request_is_not_remembered(local_events_api):
    assert post(local_events_api, envelope(data={}), key="key-2").status_code == 400
    assert post(local_events_api, envelope(), key="key-2").status_code == 201


def test_events_deleted_do_not_come_back_with_a_repeated_key(local_events_api):
    post(local_events_api, envelope(), key="key-3")
    assert local_events_api.delete() == 1
    assert post(local_events_api, envelope(), key="key-3").status_code == 201
    assert local_events_api.events() == []


def test_data_is_kept_byte_for_byte(local_events_api):
    """Digits, escapes, white space and order of keys, whatever surrounds them."""
    data = '{ "b": 1.50000000000000000001,\r\n "a":"\\u00e9 \\" }]", "data" : {"data":[1e400]} }'.replace(
        "1e400", "1e40"
    )
    head = ' { "actor" : {"id":"cognito-1", "type":"user"},\n"data"\t:'
    body = f'{head}{data} , "action":"Created","entity":"Policy","category":"policies"\n}} '
    assert post(local_events_api, body.strip().encode()).status_code == 201
    assert post(local_events_api, f"[{body},{body}]".encode()).status_code == 201
    assert [event.raw.decode() for event in local_events_api.events()] == [data] * 3


def test_headers_of_interest_are_kept_with_the_event(local_events_api):
    post(local_events_api, envelope(), key="key-4", traceparent="00-1-2-01", baggage="a=b", Authorization="Bearer x")
    [event] = local_events_api.events()
    assert (event.traceparent, event.baggage, event.idempotency_key) == ("00-1-2-01", "a=b", "key-4")
    [request] = local_events_api.requests()
    assert request.has_authorization
    assert "Bearer" not in repr(request)


def test_data_is_checked_against_the_definitions_given():
    """A single event is refused; in bulk the bad records alone are, for good."""
    with LocalEventsAPI(topics=TOPICS) as api:
        bad, unknown = envelope(data={"id": "x"}), envelope(entity="Quote")
        assert post(api, bad).json()["errorType"] == "SchemaViolationException"
        assert post(api, unknown).json()["errorType"] == "UnknownTopicException"
        answer = post(api, [envelope(), bad, unknown, envelope()])
        assert answer.json() == {
            "failedRecords": 2,
            "records": ["Success", "SchemaViolationException", "UnknownTopicException", "Success"],
        }
        assert "the value is not of type" in post(api, bad).json()["errorMessage"]
        assert len(api.events()) == 2


def test_several_definitions_files_are_one_catalogue(tmp_path):
    other = tmp_path / "billing.yaml"
    other.write_text("DefaultCategory: billing\nTopics: [{Action: Sent, Entity: Invoice, Schema: true}]\n")
    with LocalEventsAPI(topics=[TOPICS, other]) as api:
        invoice = envelope(action="Sent", entity="Invoice", category="billing")
        assert post(api, [envelope(), invoice]).json()["failedRecords"] == 0


def test_a_request_that_is_too_large_gets_413():
    with LocalEventsAPI(max_request_bytes=400) as api:
        assert post(api, [envelope()] * 2).status_code == 201
        assert post(api, [envelope()] * 20).status_code == 413


def test_a_client_and_its_events_arrive_in_order_on_one_connection(local_events_api):
    with (
        EventClient(local_events_api.url, "PolicyService", TOPICS) as client,
        events.user_context("cognito-1", "job-1", client=client),
    ):
        sent = [events.created_policy({"id": number}) for number in range(600)]
    received = local_events_api.events("job:job-1")
    assert [event.raw for event in received] == [orjson.dumps(event.data) for event in sent]
    assert [request.records for request in local_events_api.requests()] == [250, 250, 100]
    assert len({request.connection for request in local_events_api.requests()}) == 1
