"""The local Events API shows the events that it has taken: over HTTP and in the process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
import requests

from .wire import ask, envelope, post


@pytest.fixture
def stocked(local_events_api):
    post(local_events_api, envelope(data={"id": 1, "name": "Ünal 100%"}))
    post(local_events_api, envelope(entity="Quote", category="quotes", actor={"id": "QuoteService", "type": "service"}))
    post(local_events_api, envelope(action="Cancelled", data={"id": 3}), job="job['x?*]_1", key="k-1")
    return local_events_api


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", [1, 2, 3]),
        ("topic:policies.PolicyCreated", [1]),
        ("topic:policies.*", [1, 3]),
        ("job:job-1", [1, 2]),
        ("actor:QuoteService", [2]),
        ("type:user", [1, 3]),
        ("category:quotes", [2]),
        ("entity:Policy action:Cancelled", [3]),
        ("key:k-1", [3]),
        ('job:"job[\'x?*]_1"', [3]),
        ('job:"job[\'x?*"', [3]),
        ('job:"job[\'xy*"', []),
        ('job:"job[\'x*"', [3]),
        ("ünal", [1]),
        ("Ünal", [1]),
        ("'Ünal 100%'", [1]),
        ("NAME", [1]),
        ("text:quoteservice", [2]),
        ("topic:nothing", []),
        ("' or 1=1 --\"'", []),
    ],
)
def test_a_filter_finds(stocked, q, found):
    first = stocked.events()[0].seq
    assert [event.seq - first + 1 for event in stocked.events(q)] == found
    listed = ask(stocked, "GET", "/api/events", params={"q": q}).json()
    assert [event["seq"] - first + 1 for event in listed["events"]] == found


@pytest.mark.parametrize(("q", "named"), [("colour:red", "colour"), ("it's", "quote")])
@pytest.mark.parametrize("path", ["/api/events", "/api/events.jsonl", "/api/events/wait", "/"])
def test_a_filter_that_cannot_be_read_says_why(stocked, path, q, named):
    answer = ask(stocked, "GET", path, params={"q": q})
    assert answer.status_code == 400
    assert named in answer.text


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=10001", "after=²", "after=" + "9" * 30])
def test_a_number_that_cannot_be_read_says_which(stocked, query):
    answer = ask(stocked, "GET", f"/api/events?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/events"), ("GET", "/api/events.jsonl"), ("GET", "/api/events/wait"), ("DELETE", "/api/events")],
)
def test_a_parameter_that_is_not_there_is_refused(stocked, method, path):
    """It was meant for a filter: without it everything would be found, or deleted."""
    answer = ask(stocked, method, f"{path}?topic=policies.PolicyCreated")
    assert answer.status_code == 400
    assert "there is no parameter topic; use q" in answer.json()["error"]
    assert len(stocked.events()) == 3


def test_events_are_paged_by_their_place(stocked):
    first = ask(stocked, "GET", "/api/events?limit=2").json()
    rest = ask(stocked, "GET", f"/api/events?after={first['events'][-1]['seq']}").json()
    assert (len(first["events"]), first["matching"], len(rest["events"])) == (2, 3, 1)


def test_an_event_as_json_has_all_there_is(stocked):
    event = stocked.events("key:k-1")[0]
    [shown] = ask(stocked, "GET", "/api/events?q=key:k-1").json()["events"]
    assert shown == {
        "seq": event.seq,
        "eventId": event.event_id,
        "received": event.received.isoformat(),
        "jobId": event.job_id,
        "topic": "policies.PolicyCancelled",
        "category": "policies",
        "entity": "Policy",
        "action": "Cancelled",
        "actor": {"id": "cognito-1", "type": "user"},
        "data": {"id": 3},
        "idempotencyKey": "k-1",
        "traceparent": None,
        "baggage": None,
        "status": "accepted",
        "reason": None,
        "service": None,
    }


def test_jsonl_is_one_line_an_event_however_it_was_written(local_events_api):
    bodies = [orjson.dumps(envelope(data={"id": n, "text": "a\nb"}), option=orjson.OPT_INDENT_2) for n in range(3)]
    for body in bodies:
        post(local_events_api, body)
    post(local_events_api, [envelope()] * 250)
    post(local_events_api, [envelope()] * 250)
    lines = ask(local_events_api, "GET", "/api/events.jsonl").content.splitlines()
    assert len(lines) == 503
    assert orjson.loads(lines[2])["data"] == {"id": 2, "text": "a\nb"}


def test_waiting_ends_when_enough_events_have_come(local_events_api):
    with ThreadPoolExecutor(2) as pool:
        over_http = pool.submit(ask, local_events_api, "GET", "/api/events/wait?q=job:job-9&count=2&timeout=9")
        in_process = pool.submit(local_events_api.wait, "job:job-9", 2, 9)
        post(local_events_api, envelope(), job="job-9")
        post(local_events_api, envelope(), job="other")
        post(local_events_api, envelope(), job="job-9")
        assert over_http.result().status_code == 200
        assert over_http.result().json()["matching"] == 2
        assert [event.job_id for event in in_process.result()] == ["job-9", "job-9"]


def test_waiting_in_vain_shows_what_there_is(stocked):
    answer = ask(stocked, "GET", "/api/events/wait?count=4&timeout=0.05")
    assert (answer.status_code, answer.json()["matching"]) == (408, 3)
    with pytest.raises(TimeoutError, match="3 of 4 events"):
        stocked.wait(count=4, timeout=0.05)


def test_events_are_deleted_by_filter(stocked):
    assert ask(stocked, "DELETE", "/api/events?q=job:job-1").json() == {"deleted": 2}
    assert stocked.delete() == 1
    assert stocked.events() == []


def test_requests_seen_are_told_and_forgotten(stocked):
    told = ask(stocked, "GET", "/api/requests").json()
    assert (told["total"], len(told["requests"])) == (3, 3)
    assert told["requests"][2]["idempotency_key"] == "k-1"
    assert ask(stocked, "DELETE", "/api/requests").status_code == 204
    assert stocked.requests() == []


def test_requests_are_listed_by_outcome(stocked):
    post(stocked, envelope(category="Policies"))
    post(stocked, [envelope(), envelope(category="Policies")])
    outcomes = {name: told(stocked, f"?outcome={name}") for name in ("accepted", "refused", "faulted")}
    assert outcomes == {"accepted": ["accepted"] * 3, "refused": ["refused"] * 2, "faulted": []}


def told(api, query):
    return [one["outcome"] for one in ask(api, "GET", f"/api/requests{query}").json()["requests"]]


@pytest.mark.parametrize(
    ("method", "query", "error"),
    [
        ("GET", "?outcome=lost", "outcome is not one of accepted, partly refused, refused, repeated, faulted"),
        ("GET", "?status=400", "there is no parameter status; use outcome, such as outcome=refused"),
        ("DELETE", "?outcome=refused", "there is no parameter outcome; leave it out"),
    ],
)
def test_a_filter_of_requests_that_there_is_not_is_refused(stocked, method, query, error):
    answer = ask(stocked, method, f"/api/requests{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert len(stocked.requests()) == 3


def test_readyz_says_ready(local_events_api):
    assert ask(local_events_api, "GET", "/readyz").json() == {"status": "ready"}


def test_events_of_many_threads_are_all_kept(local_events_api):
    def publish(number: int) -> None:
        with requests.Session():
            for _ in range(5):
                post(local_events_api, [envelope(data={"id": number})] * 10, job=f"job-{number}")

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(local_events_api.events()) == 400
    assert len(local_events_api.events("job:job-3")) == 50
    assert [one.number for one in local_events_api.requests()] == list(range(1, 41))
