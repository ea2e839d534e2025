"""Every row of the Events API's table of failures, against a real server on loopback."""

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bc_events import DeliveryError
from bc_events._delivery.request import Request
from bc_events._delivery.wire import Verdict, read_answer

from .scripted import Reply, ScriptedAPI, closes, closes_mid_body, failed, refused, resets, talks_nonsense

THROTTLED = "ProvisionedThroughputExceededException"
INTERNAL = "InternalFailureException"


def undelivered(session):
    """(id, outcome, reason) of each event that a flush could not deliver."""
    with pytest.raises(DeliveryError) as caught:
        session.flush()
    return [(item.event.data["id"], item.outcome, item.reason) for item in caught.value.undelivered]


@pytest.mark.parametrize("status", [400, 500, 502, 503])
@pytest.mark.parametrize("error_type", [THROTTLED, INTERNAL])
def test_a_retryable_error_type_repeats_the_same_request(session_of, status, error_type):
    with ScriptedAPI(refused(status, error_type)) as api:
        session_of(api, 3).flush()
    first, second = api.received
    assert (first.body, first.key, first.job_id) == (second.body, second.key, second.job_id)


@pytest.mark.parametrize("status", [400, 500])
def test_another_error_type_is_final_and_says_why(session_of, status):
    with ScriptedAPI(refused(status, "ValidationException")) as api:
        reason = f"HTTP {status} ValidationException"
        assert undelivered(session_of(api, 2)) == [(0, "refused", reason), (1, "refused", reason)]
    assert len(api.received) == 1


def test_records_that_failed_for_now_are_sent_again_under_a_new_key(session_of):
    with ScriptedAPI(failed("Success", THROTTLED, "Success", INTERNAL)) as api:
        session_of(api, 4).flush()
    assert api.ids == [[0, 1, 2, 3], [1, 3]]
    assert len(set(api.keys)) == 2


def test_a_lone_record_that_failed_for_now_is_sent_again_alone(session_of):
    with ScriptedAPI(failed(THROTTLED, "Success")) as api:
        session_of(api, 2).flush()
    assert [request.path for request in api.received] == ["/events/bulk/", "/events"]


def test_records_that_all_failed_for_now_are_sent_again_under_a_new_key(session_of):
    """Equal bytes, but another request: the server has answered the first."""
    with ScriptedAPI(failed(THROTTLED, THROTTLED)) as api:
        session_of(api, 2).flush()
    first, second = api.received
    assert first.body == second.body
    assert first.key != second.key


def test_any_other_failed_result_is_final_for_that_record_alone(session_of):
    with ScriptedAPI(failed("Success", "ValidationException", THROTTLED)) as api:
        assert undelivered(session_of(api, 3)) == [(1, "refused", "ValidationException")]
    assert api.ids == [[0, 1, 2], [2]]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_temporary_status_repeats_the_same_request(session_of, status):
    with ScriptedAPI(refused(status)) as api:
        session_of(api, 1).flush()
    assert len(api.received) == 2
    assert len(set(api.keys)) == 1


def test_retry_after_is_waited_for(session_of):
    with ScriptedAPI(refused(429, Retry_After="1")) as api:
        session = session_of(api, 1)
        started = time.monotonic()
        session.flush()
    assert time.monotonic() - started >= 1


def test_a_retry_after_beyond_the_budget_gives_up_at_once(session_of):
    with ScriptedAPI(refused(503, Retry_After="30")) as api:
        [(_, outcome, reason)] = undelivered(session_of(api, 1))
    assert outcome == "unknown"
    assert reason.endswith("it asks for a pause of 30 s, which retry_budget does not allow")
    assert len(api.received) == 1


def pause(value):
    request = Request(events=(), body=b"", key="")
    return read_answer(request, 503, {"Retry-After": value}, b"").pause


def test_retry_after_is_read_in_both_forms():
    assert (pause("120"), pause(" 3 "), pause("0")) == (120, 3, 0)
    assert 8 < pause(format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)) <= 10
    assert pause("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert pause("Wed, 21 Oct 2015 07:28:00 -0000") == 0


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1.5", "", "Mon, 99 Foo 2020 99:99 GMT", "Mon, 1 Jan 99999999999 00:00 GMT"]
)
def test_a_retry_after_that_is_rubbish_is_no_pause(value):
    assert pause(value) is None


@pytest.mark.parametrize("value", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_is_a_day_at_most(value):
    assert pause(value) == 86_400


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_final_and_never_followed(session_of, status):
    with ScriptedAPI() as elsewhere, ScriptedAPI(Reply(status, {"Location": f"{elsewhere.url}/events"}, b"")) as api:
        [(_, outcome, reason)] = undelivered(session_of(api, 1, auth=lambda: "secret"))
        assert outcome == "refused"
        assert reason.startswith(f"HTTP {status} for POST {api.url}/events; redirects are not followed")
    assert elsewhere.received == []


def test_a_request_that_is_too_large_is_halved_in_order_under_new_keys(session_of):
    with ScriptedAPI(refused(413), Reply(), refused(413)) as api:
        session_of(api, 5).flush()
    assert api.ids == [[0, 1, 2, 3, 4], [0, 1], [2, 3, 4], [2], [3, 4]]
    assert len(set(api.keys)) == 5


def test_a_single_event_that_is_too_large_is_final(session_of):
    with ScriptedAPI(refused(413), refused(413), Reply()) as api:
        [(event_id, outcome, reason)] = undelivered(session_of(api, 2))
    assert (event_id, outcome) == (0, "refused")
    assert reason.startswith("HTTP 413")
    assert api.ids == [[0, 1], [0], [1]]


@pytest.mark.parametrize("fault", [closes, closes_mid_body, resets, talks_nonsense])
def test_without_a_whole_answer_the_same_bytes_go_again_with_the_same_key(session_of, fault):
    with ScriptedAPI(fault, fault) as api:
        session_of(api, 3).flush()
    assert len({(request.body, request.key) for request in api.received}) == 1
    assert len(api.received) == 3


def test_a_server_that_hangs_is_left_after_the_timeout(session_of):
    with ScriptedAPI() as api:
        api.script = [api.hangs]
        session_of(api, 1, timeout=(3.05, 0.2)).flush()
    assert len(api.received) == 2
    assert len(set(api.keys)) == 1


def test_a_server_that_is_not_there_leaves_every_event_named(session_of):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    session = session_of(url, 2, retry_budget=0.05)
    reason = f"no answer from POST {url}/events/bulk/: connection refused: nothing listens at this address"
    assert undelivered(session) == [(number, "unsent", reason) for number in range(2)]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 451])
def test_any_other_client_error_is_final(session_of, status):
    with ScriptedAPI(refused(status, THROTTLED if status == 403 else None)) as api:
        assert [item[:2] for item in undelivered(session_of(api, 1))] == [(0, "refused")]
    assert len(api.received) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"[]",
        b"{}",
        b'{"failedRecords": 0}',
        b'{"failedRecords": 0, "records": ["Success"]}',
        b'{"failedRecords": 1, "records": ["Success", "Success"]}',
        b'{"failedRecords": 0, "records": ["Success", 1]}',
        b'{"failedRecords": 0, "records": "SS"}',
        b'{"eventId": "a", "jobId": "b"}',
        b'{"records": ["Success", "Success"]}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_whose_body_is_not_the_promised_one_is_no_success(status, body):
    answer = read_answer(Request((None, None), b"", "key"), status, {}, body)
    assert (answer.verdict, answer.is_readable) == (Verdict.AGAIN, False)


@pytest.mark.parametrize("body", [b"", b"OK", b"{}", b'{"eventId": 1, "jobId": "b"}', b'{"records": ["Success"]}'])
def test_a_wrong_body_repeats_the_same_bytes_with_the_same_key(session_of, body):
    with ScriptedAPI(Reply(201, {}, body or b" ")) as api:
        session_of(api, 1).flush()
    assert len(api.received) == 2
    assert len(set(api.keys)) == 1


def test_what_the_api_says_is_cut_to_what_a_log_line_takes(session_of):
    with ScriptedAPI(failed("A" * 500, "with\nline")) as api:
        assert undelivered(session_of(api, 2)) == [(0, "refused", "A" * 100), (1, "refused", "an error without a name")]


@pytest.mark.parametrize("first", [closes, resets, talks_nonsense, refused(503), refused(429), Reply(201, {}, b" ")])
@pytest.mark.parametrize(
    "refusal", [refused(403), refused(400, "ValidationException"), Reply(302, {"Location": "http://["}, b"")]
)
def test_a_refusal_settles_an_earlier_attempt_too(session_of, first, refusal):
    """A server that had accepted the earlier attempt would have answered the later one with its 2xx."""
    with ScriptedAPI(first, refusal) as api:
        assert [item[1] for item in undelivered(session_of(api, 1))] == ["refused"]
    assert len(set(api.keys)) == 1
    assert len(api.received) == 2


def test_a_request_that_is_too_large_is_halved_also_after_an_unknown_outcome(session_of):
    with ScriptedAPI(closes, refused(413)) as api:
        session_of(api, 2).flush()
    assert api.ids == [[0, 1], [0, 1], [0], [1]]
    assert len(set(api.keys)) == 3


def test_what_could_not_be_delivered_belongs_to_the_error_and_no_longer_to_the_session(session_of):
    with ScriptedAPI(refused(404)) as api:
        session = session_of(api, 2)
        undelivered(session)
        session.flush()
        assert session.events == []
    assert len(api.received) == 1


def test_a_flush_that_ends_early_names_what_had_no_turn(session_of):
    with ScriptedAPI(Reply(), refused(429, Retry_After="60")) as api:
        *found, last = undelivered(session_of(api, 5, max_request_events=2))
    assert [one[:2] for one in found] == [(2, "unknown"), (3, "unknown")]
    assert last == (4, "unsent", f"an earlier request ended the flush: {found[0][2]}")
    assert api.ids == [[0, 1], [2, 3]]


def test_a_refused_request_does_not_stop_the_others(session_of):
    with ScriptedAPI(refused(400, "ValidationException"), Reply()) as api:
        assert [item[0] for item in undelivered(session_of(api, 4, max_request_events=2))] == [0, 1]
    assert api.ids == [[0, 1], [2, 3]]


def test_resending_repeats_the_same_bytes_with_the_same_keys(session_of):
    with ScriptedAPI(closes, refused(429, Retry_After="60")) as api:
        session = session_of(api, 5, max_request_events=2)
        with pytest.raises(DeliveryError) as caught:
            session.flush()
        session.client.resend(caught.value)
    (before, again), resent = api.received[:2], api.received[2:]
    assert (before.body, before.key) == (again.body, again.key) == (resent[0].body, resent[0].key)
    assert [request.ids for request in resent] == [[0, 1], [2, 3], [4]]


def test_resending_sends_refused_records_once_more_and_no_others(session_of):
    with ScriptedAPI(failed("Success", "ValidationException", "Success"), refused(400, "ValidationException")) as api:
        session = session_of(api, 3)
        with pytest.raises(DeliveryError) as caught:
            session.flush()
        with pytest.raises(DeliveryError) as again:
            session.client.resend(caught.value)
        session.client.resend(again.value)
    assert api.ids == [[0, 1, 2], [1], [1]]


def test_resending_without_an_api_is_told(session_of):
    with ScriptedAPI(refused(404)) as api, pytest.raises(DeliveryError) as caught:
        session_of(api, 1).flush()
    with pytest.raises(Exception, match="has no api_url, so it cannot resend"):
        session_of(None).client.resend(caught.value)


def test_a_closed_client_leaves_events_named_unsent(session_of):
    with ScriptedAPI() as api:
        session = session_of(api, 2)
        session.client.close()
        assert undelivered(session) == [(0, "unsent", "the client is closed"), (1, "unsent", "the client is closed")]
    assert api.received == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (302, "redirects are not followed, so api_url must be the address that they lead to"),
        (401, "check the credentials (auth)"),
        (403, "check the credentials (auth)"),
        (404, "check the path in api_url"),
        (405, "check the path in api_url"),
        (407, "the proxy wants credentials"),
        (410, "check the path in api_url"),
        (421, "check the host in api_url"),
    ],
)
def test_a_status_that_blames_the_settings_names_the_address_and_what_to_correct(session_of, status, hint):
    with ScriptedAPI(Reply(status, body=b"")) as api:
        ((_, _, reason),) = undelivered(session_of(api, 1, retry_budget=0))
    assert reason == f"HTTP {status} for POST {api.url}/events; {hint}"


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_a_status_that_blames_no_setting_comes_without_advice(session_of, status):
    with ScriptedAPI(Reply(status, body=b"")) as api:
        ((_, _, reason),) = undelivered(session_of(api, 1, retry_budget=0))
    assert reason in (f"HTTP {status}", f"HTTP {status} for POST {api.url}/events")


@pytest.mark.parametrize("error_type", ["", "ValidationException", THROTTLED])
def test_each_status_without_results_means_one_thing(error_type):
    """A refusal is final from 300 to 499, except for what passes. The API names its own errors with 400 and 500."""
    temporary = {407, 408, 425, 429}
    body = f'{{"errorType":"{error_type}"}}'.encode() if error_type else b""

    def expected(status):
        if status == 413:
            return Verdict.SPLIT
        if status in (400, 500) and error_type:
            return Verdict.AGAIN if error_type == THROTTLED else Verdict.FINAL
        return Verdict.FINAL if 300 <= status <= 499 and status not in temporary else Verdict.AGAIN

    request = Request((None,), b"", "key")
    found = {status: read_answer(request, status, {}, body).verdict for status in range(100, 1000)}
    assert found == {status: expected(status) for status in found}
