"""The reason of an event that was not delivered: it says what answered, or what did not, and where to look."""

import socket
import threading

import pytest

from bc_events import DeliveryError
from bc_events._delivery.request import Request
from bc_events._delivery.wire import read_answer

from .scripted import Reply, ScriptedAPI, refused, talks_nonsense

ADDRESS = "POST https://api.example/events"
HTML = b"<!DOCTYPE html>\n<html><head><title>\n 502 Bad&nbsp;Gateway \x1b[2J</title></head><body>secret</body></html>"
XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


def reason_of(session):
    with pytest.raises(DeliveryError) as caught:
        session.flush()
    return caught.value.undelivered[0].reason


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            400,
            b'{"errorType": "TooOldException", "errorMessage": "2019 is over"}',
            "HTTP 400 TooOldException: 2019 is over",
        ),
        (400, b'{"message": "Bad key"}', f"HTTP 400 for {ADDRESS}: Bad key"),
        (404, b'{"detail": "Not Found"}', f"HTTP 404 for {ADDRESS}: Not Found; check the path in api_url"),
        (422, b'{"detail": [{"input": "secret"}]}', f"HTTP 422 for {ADDRESS}"),
        (400, b"secret", f"HTTP 400 for {ADDRESS}: secret"),
        (400, b"a\x1b[2J\nb", f"HTTP 400 for {ADDRESS}: a\\x1b[2J\\nb"),
        (406, b"", f"HTTP 406 for {ADDRESS}"),
        (502, HTML, f'HTTP 502 for {ADDRESS}: a page of HTML ("502 Bad Gateway \\x1b[2J")'),
        (403, b"<html>", f"HTTP 403 for {ADDRESS}: a page of HTML; check the credentials (auth)"),
        (403, XML, f'HTTP 403 for {ADDRESS}: a document of XML ("Access Denied"); check the credentials (auth)'),
        (503, b"", "HTTP 503"),
        (413, b"", "HTTP 413"),
        (500, b'{"errorType": "InternalFailureException"}', "HTTP 500 InternalFailureException"),
    ],
)
def test_a_refusal_says_who_answered_and_what(status, body, reason):
    assert read_answer(Request((None,), b"", "key"), status, {}, body, address=ADDRESS).reason == reason


@pytest.mark.parametrize(
    ("count", "body", "told"),
    [
        (1, b" ", "but the body is empty; check that api_url leads to an Events API"),
        (
            1,
            HTML,
            'but the body is a page of HTML ("502 Bad Gateway \\x1b[2J"); check that api_url leads to an Events API',
        ),
        (1, b"secret", "but the body is not JSON; check that api_url leads to an Events API"),
        (1, b'{"id": "secret"}', "but the body has no eventId and jobId"),
        (2, b'{"eventId": "a", "jobId": "b"}', "but the body has no result for each of its 2 events"),
    ],
)
def test_a_success_that_is_none_says_what_its_body_is(count, body, told):
    answer = read_answer(Request((None,) * count, b"", "key"), 201, {}, body, address=ADDRESS)
    assert answer.reason == f"HTTP 201 for {ADDRESS}, {told}"


@pytest.mark.parametrize(("length", "told"), [(500, "x" * 500), (501, "x" * 499 + "…"), (100_000, "x" * 499 + "…")])
def test_a_long_text_is_cut(length, told):
    assert read_answer(Request((None,), b"", "key"), 400, {}, b"x" * length).reason == f"HTTP 400: {told}"


def test_a_pause_that_is_too_long_is_named(session_of):
    with ScriptedAPI(refused(503, Retry_After="3600")) as api:
        told = reason_of(session_of(api, 1))
    assert told.endswith("; it asks for a pause of 3600 s, which retry_budget does not allow")


def test_a_pause_that_the_budget_allows_is_not(session_of):
    with ScriptedAPI(*[refused(503, Retry_After="0")] * 9) as api:
        assert "pause" not in reason_of(session_of(api, 1, retry_budget=0.1))


def test_another_kind_of_server_is_told_from_a_lost_connection(session_of, http):
    with ScriptedAPI(talks_nonsense) as api:
        assert "the response is not HTTP" in reason_of(session_of(api, 1, retry_budget=0, **http))


def test_a_server_without_tls_is_told_from_a_certificate_that_is_not_trusted(session_of, http):
    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        told = reason_of(session_of(f"https://127.0.0.1:{listener.getsockname()[1]}", 1, retry_budget=0, **http))
        thread.join()
    assert "the server does not speak TLS here; should api_url begin with http://?" in told


def test_a_ca_bundle_that_is_missing_is_named(session_of, no_proxies, http):
    no_proxies.setenv("REQUESTS_CA_BUNDLE", "/missing.pem")
    told = reason_of(session_of("https://127.0.0.1:9", 1, retry_budget=0, **http))
    assert "there is no CA bundle where one is expected; check REQUESTS_CA_BUNDLE" in told


@pytest.mark.parametrize(
    ("proxy", "told"),
    [("socks5://127.0.0.1:1", 'pip install "requests[socks]"'), ("http://", "check HTTP_PROXY and HTTPS_PROXY")],
)
def test_a_proxy_that_cannot_be_used_says_why(session_of, no_proxies, proxy, told):
    no_proxies.setenv("http_proxy", proxy)
    assert told in reason_of(session_of("http://events.internal", 1, retry_budget=0))


def test_a_network_that_has_no_way_there_is_told_by_the_systems_own_words(session_of, http):
    """A connection to this address is refused by the system itself."""
    told = reason_of(session_of("http://255.255.255.255:9", 1, retry_budget=0, **http))
    assert "no connection could be made (" in told


def test_a_token_that_already_says_bearer_is_refused_with_the_remedy(session_of):
    with ScriptedAPI() as api:
        told = reason_of(session_of(api, 1, auth=lambda: "Bearer secret"))
    assert told == 'the auth callable returned text that begins with "Bearer "; return the token alone'
    assert api.received == []


def test_an_answer_of_no_api_reaches_the_error_with_its_address(session_of):
    with ScriptedAPI(Reply(404, {}, HTML)) as api:
        told = reason_of(session_of(api, 1))
    assert told.startswith(f'HTTP 404 for POST {api.url}/events: a page of HTML ("502')
    assert "secret" not in told
