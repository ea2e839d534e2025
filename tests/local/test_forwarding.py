"""Accepted events are passed on, and stored events are sent again: by the library's own rules of delivery."""

import pytest

from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": {"type": "object", "required": ["id"]}}],
}


@pytest.fixture
def real():
    """The Events API that events are passed on to."""
    with LocalEventsAPI() as api:
        yield api


@pytest.fixture
def local(real):
    with LocalEventsAPI(forward=real.url, topics=TOPICS) as api:
        yield api


def test_a_request_is_passed_on_with_its_key_and_headers(local, real):
    post(
        local,
        envelope(data={"id": 1.10}),
        key="key-1",
        job="job-1",
        traceparent="00-a",
        baggage="b=c",
        Authorization="Bearer x",
    )
    [event] = real.wait(count=1)
    [request] = real.requests()
    assert (event.idempotency_key, event.job_id, event.traceparent, event.baggage) == ("key-1", "job-1", "00-a", "b=c")
    assert (event.actor, event.raw) == (local.latest().actor, local.latest().raw)
    assert request.has_authorization


def test_a_repeated_request_is_passed_on_once(local, real):
    for _ in range(2):
        post(local, [envelope()] * 3, key="key-1")
    post(local, envelope(), key="key-2")
    real.wait("key:key-2")
    assert [(one.records, one.idempotency_key) for one in real.requests()] == [(3, "key-1"), (1, "key-2")]


def test_only_accepted_events_are_passed_on(local, real):
    post(local, [envelope(data={"id": 1}), envelope(data={"name": "no id"})], key="key-1")
    post(local, envelope(data={"name": "no id"}))
    post(local, envelope(data={"id": 2}), key="key-2")
    assert [event.data for event in real.wait(count=2)] == [{"id": 1}, {"id": 2}]


def test_an_outage_is_retried_under_the_same_key(local, real):
    real.faults(unavailable={"count": 1, "retry_after": 0})
    post(local, envelope(), key="key-1")
    real.wait()
    assert [(one.status, one.idempotency_key) for one in real.requests()] == [(503, "key-1"), (201, "key-1")]


def test_what_is_refused_there_is_told(real):
    with LocalEventsAPI(topics={"DefaultCategory": "a", "Topics": []}) as strict:
        api = LocalEventsAPI(forward=strict.url)
        with api:
            post(api, envelope())
            state = _settled(api)
    assert (state["forwarded"], state["failed"], state["waiting"]) == (0, 1, 0)
    assert state["failures"][0]["outcome"] == "refused"
    assert "UnknownTopicException" in state["failures"][0]["reason"]


def _settled(api):
    state = api.forwarding()
    while state["waiting"]:
        state = ask(api, "GET", "/api/forwarding").json()
    return state


def test_what_waits_is_passed_on_before_the_end(real):
    with LocalEventsAPI(forward=real.url) as api:
        for _ in range(20):
            post(api, envelope())
    assert len(real.events()) == 20


def test_the_token_of_a_guarded_server_is_not_passed_on(real):
    with LocalEventsAPI(host="0.0.0.0", forward=real.url) as api:
        post(api, envelope(), Authorization=f"Bearer {api.url.rpartition('/')[2]}")
        real.wait()
    assert [one.has_authorization for one in real.requests()] == [False]


def replay(api, body):
    return ask(api, "POST", "/api/replay", **({"data": body} if isinstance(body, bytes) else {"json": body}))


def test_events_are_replayed_under_new_keys_with_their_jobs(real):
    with LocalEventsAPI(replay_to=[f"{real.url}/"]) as api:
        for number in range(4):
            post(api, envelope(data={"id": number}), job=f"job-{number // 2}", key=f"key-{number}")
        assert replay(api, {"q": "-data.id:3", "url": real.url}).json() == {
            "url": real.url,
            "replayed": 3,
            "failed": [],
        }
        assert [(event.job_id, event.data["id"]) for event in real.events()] == [
            ("job-0", 0),
            ("job-0", 1),
            ("job-1", 2),
        ]
        assert not {one.idempotency_key for one in real.requests()} & {f"key-{number}" for number in range(4)}
        assert ask(api, "GET", "/api/replay").json() == {"urls": [api.url, real.url]}


def test_events_are_replayed_to_the_server_itself(local_events_api):
    post(local_events_api, envelope(), job="job-1")
    assert replay(local_events_api, {"q": "job:job-1"}).json()["replayed"] == 1
    assert len({event.event_id for event in local_events_api.events("job:job-1")}) == 2


def test_events_are_not_replayed_to_any_url(local_events_api, real):
    post(local_events_api, envelope())
    for url in (real.url, "http://169.254.169.254", "file:///etc/passwd", f"{local_events_api.url}@evil.example"):
        assert replay(local_events_api, {"q": "", "url": url}).status_code == 403
    assert real.requests() == []


def test_what_a_replay_could_not_send_is_told(local_events_api):
    post(local_events_api, envelope())
    local_events_api.faults(internal_failure={"count": 1, "status": 400}, too_large={})
    [failed] = replay(local_events_api, {"q": ""}).json()["failed"]
    assert (failed["topic"], failed["outcome"]) == ("policies.PolicyCreated", "refused")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"q": 1}', b'{"q": "", "to": "x"}', b'{"q": "colour:red"}', b"[" * 9999]
)
def test_a_replay_that_cannot_be_read_says_what_to_give(local_events_api, body):
    answer = replay(local_events_api, body)
    assert answer.status_code == 400
    assert answer.json()["error"]
