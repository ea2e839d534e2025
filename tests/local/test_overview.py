"""Events in numbers, the catalogue of topics, and one job's line."""

import pytest

from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [
        {
            "Action": "Created",
            "Entity": "Policy",
            "Description": "A quote became a policy",
            "Schema": {"type": "object"},
        },
        {"Action": "Cancelled", "Entity": "Policy", "Schema": {"type": "object", "required": ["id", "reason"]}},
    ],
}


@pytest.fixture(scope="module")
def stocked():
    with LocalEventsAPI(topics=TOPICS) as api:
        for number in range(3):
            post(api, envelope(data={"id": number}), job=f"job/{number % 2}", key=f"key-{number}")
        post(api, envelope(action="Cancelled"), job="job/0")
        post(api, [envelope(), envelope(entity="Quote")], job="job/0")
        post(api, b"no JSON", job="job/0")
        yield api


def get(api, path, **parameters):
    return ask(api, "GET", path, params=parameters).json()


def test_a_refused_event_is_found_by_its_status_alone(stocked):
    assert len(stocked.events()) == 4
    refused = stocked.events("status:refused")
    assert [event.topic for event in refused] == ["policies.PolicyCancelled", "policies.QuoteCreated"]
    assert "reason" in refused[0].reason
    assert stocked.events("did-you-mean") == []
    assert [event.topic for event in stocked.events('status:* "did you mean policies.PolicyCreated"')] == [
        "policies.QuoteCreated"
    ]
    assert len(stocked.events("status:*")) == 6
    assert len(stocked.events("-status:refused")) == 4


def test_facets_count_values(stocked):
    found = get(stocked, "/api/facets", q="status:*")
    assert found["counted"] == 6
    assert found["facets"]["topic"][0] == {"value": "policies.PolicyCreated", "count": 4}
    assert found["facets"]["status"] == [{"value": "accepted", "count": 4}, {"value": "refused", "count": 2}]
    assert [one["value"] for one in get(stocked, "/api/facets", limit=1)["facets"]["job"]] == ["job/0"]


def test_a_histogram_counts_events_by_time(stocked):
    found = get(stocked, "/api/histogram", q="status:*", buckets=4)
    assert sum(one["count"] for one in found["buckets"]) == found["counted"] == 6
    assert sum(one["notAccepted"] for one in found["buckets"]) == 2
    assert len(found["buckets"]) <= 4
    assert get(stocked, "/api/histogram", q="topic:nothing")["buckets"] == []


def test_topics_are_those_defined_and_those_seen(stocked):
    topics = {one["topic"]: one for one in get(stocked, "/api/topics")["topics"]}
    assert list(topics) == ["policies.PolicyCancelled", "policies.PolicyCreated", "policies.QuoteCreated"]
    created = topics["policies.PolicyCreated"]
    assert created["counts"] == {"accepted": 4}
    assert created["description"] == "A quote became a policy"
    assert "created_policy" in created["calls"]
    assert created["lastSeen"] == stocked.latest("topic:policies.PolicyCreated").received.isoformat()
    assert topics["policies.QuoteCreated"]["isDocumented"] is False


def test_the_line_of_a_job_has_all_that_came_for_it(stocked):
    line = get(stocked, "/api/jobs/job/0")
    assert [event["state"] for event in line["events"]] == ["arrived", "arrived", "refused", "arrived", "refused"]
    assert [request["status"] for request in line["requests"]] == [201, 201, 400, 201, 400]
    assert line["actors"] == [{"type": "user", "id": "cognito-1", "events": 5}]
    assert line["started"] <= line["events"][0]["at"] <= line["ended"]


def test_a_job_that_nothing_came_for_is_not_found(stocked):
    assert ask(stocked, "GET", "/api/jobs/another").status_code == 404


def test_one_event_comes_with_the_one_before_it_of_its_topic(stocked):
    first, second = stocked.events("topic:policies.PolicyCreated")[:2]
    assert get(stocked, f"/api/events/{second.event_id}")["previous"]["eventId"] == first.event_id
    assert get(stocked, f"/api/events/{first.event_id}")["previous"] is None
    assert ask(stocked, "GET", "/api/events/another").status_code == 404


def test_pages_go_both_ways_by_key(stocked):
    newest = get(stocked, "/api/events", order="newest", limit=3)
    assert (newest["matching"], newest["isExact"], len(newest["events"])) == (4, True, 3)
    rest = get(stocked, "/api/events", order="newest", limit=3, before=newest["next"])
    assert ([event["seq"] for event in rest["events"]], rest["next"]) == ([1], None)
    oldest = get(stocked, "/api/events", limit=2)
    assert [event["seq"] for event in oldest["events"]] == [1, 2]
    assert get(stocked, "/api/events", limit=2, after=oldest["next"])["next"] is None


def test_the_latest_event_says_why_there_is_none(stocked):
    assert stocked.latest("job:job/1").data == {"id": 1}
    with pytest.raises(LookupError, match=r"no event that has come matches 'x:?.*'; 3 requests were refused"):
        stocked.latest("xyz")


def test_an_export_is_brought_in_as_it_was(stocked):
    lines = ask(stocked, "GET", "/api/events.jsonl?q=status:*").content
    with LocalEventsAPI() as other:
        assert ask(other, "POST", "/api/events.jsonl", data=lines).json() == {"imported": 6, "known": 0}
        assert ask(other, "POST", "/api/events.jsonl", data=lines).json() == {"imported": 0, "known": 6}
        assert other.events("status:*") == stocked.events("status:*")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"no JSON", "line 2 is no event of an export: the body is not JSON"),
        (b"{}", "line 2 is no event of an export: the line: "),
        (b"[" * 300 + b"]" * 300, "line 2 is no event of an export"),
        (b'{"eventId": "\xff"}', "line 2 is no event"),
    ],
)
def test_a_line_that_is_no_event_is_named_and_nothing_is_brought_in(stocked, line, error):
    good = ask(stocked, "GET", "/api/events.jsonl").content.splitlines()[0].replace(b'eventId":"', b'eventId":"new-')
    answer = ask(stocked, "POST", "/api/events.jsonl", data=good + b"\n" + line)
    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert len(stocked.events()) == 4
