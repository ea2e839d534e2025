"""The requests of a flush: how many there are, what each carries, and that each event arrives once."""

import json
import threading

import pytest

from bc_events import DeliveryError, InvalidEventError

from .scripted import Reply, ScriptedAPI, refused


def test_many_events_make_as_few_requests_as_the_contract_allows_on_one_connection(session_of):
    with ScriptedAPI() as api:
        session_of(api, 600).flush()
    assert [len(ids) for ids in api.ids] == [250, 250, 100]
    assert [number for ids in api.ids for number in ids] == list(range(600))
    assert api.connections == 1


def test_five_events_make_one_request_and_one_makes_a_single(session_of):
    with ScriptedAPI() as api:
        session_of(api, 5).flush()
        session_of(api, 1).flush()
    assert [request.path for request in api.received] == ["/events/bulk/", "/events"]


def test_a_second_flush_sends_nothing(session_of):
    with ScriptedAPI() as api:
        session = session_of(api, 3)
        session.flush()
        session.flush()
        assert session.events == []
    assert len(api.received) == 1


def test_one_request_carries_one_job_single_and_bulk(client_of):
    with ScriptedAPI() as api:
        client = client_of(api)
        for job, count in (("job-1", 1), ("job-2", 3)):
            session = client.service_session(job)
            for number in range(count):
                session.created_test({"id": number})
            session.flush()
        both = [
            event
            for job in ("job-3", "job-4")
            for event in [client.service_session(job).created_test({"id": job}) for _ in range(2)]
        ]
        client.send(both)
    assert [(request.job_id, len(request.ids)) for request in api.received] == [
        *(("job-1", 1), ("job-2", 3), ("job-3", 2), ("job-4", 2))
    ]


def test_a_request_is_cut_by_its_bytes_too(session_of):
    with ScriptedAPI() as api:
        size = len(session_of(api, 1).events[0].envelope)
        session_of(api, 6, max_request_bytes=2 + 2 * size + 1).flush()
        session_of(api, 6, max_request_bytes=2 + 2 * size).flush()
    assert [len(ids) for ids in api.ids] == [2, 2, 2] + [1] * 6
    assert all(len(request.body) <= 2 + 2 * size + 1 for request in api.received)


def test_an_event_that_with_its_actor_exceeds_a_request_is_refused_at_the_call(session_of):
    """A single event is sent without brackets: an envelope of exactly max_request_bytes fits."""
    length = len(session_of(None, 1).events[0].envelope)
    session = session_of(None, max_request_bytes=length)
    session.created_test({"id": 1})
    with pytest.raises(InvalidEventError, match=rf"has {length + 1} bytes, but a whole request has at most {length} "):
        session.created_test({"id": 10})
    assert len(session.events) == 1


def test_a_connection_that_the_server_closed_while_idle_neither_fails_nor_doubles_a_flush(session_of):
    with ScriptedAPI() as api:
        client = session_of(api, 1, retry_budget=0).client
        for number in range(3):
            session = client.service_session("job-1")
            session.created_test({"id": number})
            session.flush()
            api.drop_connections()
    assert api.ids == [[0], [1], [2]]
    assert api.connections == 3


def test_what_arrives_is_the_envelope_and_its_headers(session_of):
    with ScriptedAPI() as api:
        session_of(api, 1).flush()
    (request,) = api.received
    assert json.loads(request.body) == {
        "action": "Created",
        "category": "testing",
        "entity": "Test",
        "data": {"id": 0},
        "actor": {"id": "TestService", "type": "service"},
    }
    assert request.headers["content-type"] == "application/json"
    assert request.job_id == "job-1"
    assert "authorization" not in request.headers


def test_many_threads_share_a_client_and_each_event_arrives_once(client_of):
    with ScriptedAPI() as api:
        client = client_of(api)

        def work(thread):
            for number in range(5):
                session = client.service_session(f"job-{thread}")
                session.created_test({"id": f"{thread}-{number}"})
                session.flush()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(number for ids in api.ids for number in ids) == sorted(
        f"{t}-{n}" for t in range(12) for n in range(5)
    )
    assert api.connections <= 12
    assert all(request.ids[0].startswith(request.job_id.removeprefix("job-") + "-") for request in api.received)


def test_publishing_immediately_sends_from_the_call(client_of):
    from bc_events import EventSession

    with ScriptedAPI(Reply(), refused(404)) as api:
        session = EventSession("TestService", "service", "job-1", client_of(api), publish_immediately=True)
        session.created_test({"id": 1})
        assert api.ids == [[1]]
        with pytest.raises(DeliveryError):
            session.created_test({"id": 2})
        session.flush()
        assert (session.events, session.publish_immediately) == ([], True)
    assert api.ids == [[1], [2]]
