"""Every shape of a response has one meaning, and none is taken for the response to another request."""

import gzip
import threading
import time
import zlib

import pytest
from hypothesis import given, settings, strategies as st

from bc_events import DeliveryError
from bc_events._delivery.attempt import ResponseTooLong
from bc_events._delivery.content_coding import unpacked
from bc_events._delivery.request import Request
from bc_events._delivery.wire import Verdict, read_answer

from .raw import REFUSED, TAKEN, RawAPI, response

CHUNKS = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TAKEN), TAKEN)
LONGEST = 1024 * 1024 + 200  # bytes, for one event
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"

DELIVERED = {
    "a plain one": response(),
    "with a reason that is not ASCII": response("201 Cr\xe9\xe9"),
    "without a length, to the end of the connection": lambda connection: connection.sendall(
        response("201 Created", TAKEN, length=False)
    ),
    "in chunks": CHUNKS + CHUNKED,
    "in chunks, with a trailer": CHUNKS + CHUNKED[:-2] + b"Expires: 0\r\n\r\n",
    "gzipped unasked": response("201 Created", gzip.compress(TAKEN), "Content-Encoding: gzip"),
    "gzipped in two members": response(
        "201 Created", gzip.compress(TAKEN[:9]) + gzip.compress(TAKEN[9:]), "Content-Encoding: gzip"
    ),
    "deflated without a header": response("201 Created", zlib.compress(TAKEN)[2:-4], "Content-Encoding: deflate"),
    "in the coding that changes nothing": response("201 Created", TAKEN, "Content-Encoding: identity"),
    "deflated": response("201 Created", zlib.compress(TAKEN), "Content-Encoding: deflate"),
    "after 100": CONTINUE + response(),
    "after 103": HINTS + response(),
    "after 199": HINTS.replace(b"103", b"199") + response(),
    "after several interim ones": HINTS + PROCESSING + CONTINUE + HINTS + PROCESSING + response(),
    "with the first status of success": response("200 OK"),
    "with the last status of success": response("299 Fine"),
    "with one length twice": response("201 Created", TAKEN, f"Content-Length: {len(TAKEN)}"),
    "with one length twice in a header": response(
        "201 Created", TAKEN, f"Content-Length: {len(TAKEN)}, {len(TAKEN)}", length=False
    ),
    "with a cookie that is broken": response("201 Created", TAKEN, "Set-Cookie: =;;; expires=\x7f; Max-Age=x"),
    "with a cookie of an unknown month": response(
        "201 Created", TAKEN, "Set-Cookie: a=b; Expires=Thu, 01 Foo 2026 00:00:00 GMT"
    ),
    "with a challenge that is broken": response("201 Created", TAKEN, 'WWW-Authenticate: Digest "'),
    "with Retry-After": response("201 Created", TAKEN, "Retry-After: \xff"),
    "as long as a response may be": response("201 Created", TAKEN + b" " * (LONGEST - len(TAKEN))),
    "with a Location that leads nowhere": response("201 Created", TAKEN, "Location: http://["),
}
REFUSALS = {
    "400": response("400 Bad Request", REFUSED),
    "400 in chunks": CHUNKS.replace(b"201 Created", b"400 Bad") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(REFUSED), REFUSED),
    "400 after 103": HINTS + response("400 Bad Request", REFUSED),
    "403 without a body": response("403 Forbidden", b""),
    "302 to nowhere": response("302 Found", b"", "Location: http://["),
    "302 to another scheme": response("302 Found", b"", "Location: gopher://x/"),
    "301 to a host that is none": response("301 Moved", b"", "Location: http://\xff\x01..\xff/"),
    "307 to a port that is none": response("307 Temporary Redirect", b"", "Location: http://a:b:c/"),
    "308 without end": response("308 Permanent Redirect", b"", "Location: /events", "Retry-After: never"),
    "300 with a body that is not gzip": response("300 Choices", b"x" * 50, "Content-Encoding: gzip"),
    "303 with two lengths": response("303 See Other", b"", "Location: /", "Content-Length: 3"),
    "308 with headers without end": b"HTTP/1.1 308 Permanent Redirect\r\n" + b"X: y\r\n" * 150 + b"\r\n",
    "301 with a header that is too long": b"HTTP/1.1 301 Moved\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    "302 cut off in its headers": lambda connection: connection.sendall(b"HTTP/1.1 302 Found\r\nLoca"),
    "304 with a body": response("304 Not Modified", b"x" * 20),
    "305 whose body does not end": response("305 Use Proxy", b"x", "Content-Length: 99", length=False),
    "399": response("399 Strange", b"", "Transfer-Encoding: chunked", "Content-Length: 7", length=False),
}
UNREADABLE = {
    "a refusal cut off in its status": b"HTTP/1.1 400 Bad Re",
    "a refusal cut off after its status": b"HTTP/1.1 404\r\n",
    "a refusal cut off in its headers": b"HTTP/1.1 400 Bad\r\nServer: a\r\n",
    "a refusal that goes on after its end": b"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\n" + REFUSED,
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half a status line": b"HTTP/1.1 2",
    "a length with a control character": b"HTTP/1.1 201 Created\r\nContent-Length: 2\x1f\r\n\r\n{}",
    "a status that is no number": b"HTTP/1.1 abc Created\r\nContent-Length: 0\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "a status above 999": b"HTTP/1.1 2010 High\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/3.0 201 Created\r\nContent-Length: 0\r\n\r\n",
    "the end within the headers": b"HTTP/1.1 201 Created\r\nContent-Le",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + response(),
    "103 and then the end": HINTS,
    "two lengths": response("201 Created", TAKEN, "Content-Length: 3"),
    "two lengths in a header": response("201 Created", TAKEN, "Content-Length: 3, 31", length=False),
    "a length that is no number": response("201 Created", TAKEN, "Content-Length: many", length=False),
    "a negative length": response("201 Created", TAKEN, "Content-Length: -31", length=False),
    "a length with a sign": response("201 Created", TAKEN, "Content-Length: +31", length=False),
    "a length in other digits": response("201 Created", TAKEN, "Content-Length: 3\xb9", length=False),
    "a length of a thousand digits": response("201 Created", TAKEN, "Content-Length: " + "9" * 1000, length=False),
    "an empty length": response("201 Created", TAKEN, "Content-Length: ", length=False),
    "a length and chunks": CHUNKS[:-2] + b"Content-Length: 31\r\n\r\n" + CHUNKED,
    "chunks in a coding": CHUNKS.replace(b"chunked", b"gzip, chunked") + CHUNKED,
    "chunks twice": CHUNKS.replace(b"chunked", b"chunked, chunked") + CHUNKED,
    "another coding": response("201 Created", TAKEN, "Transfer-Encoding: identity", length=False),
    "chunks in HTTP/1.0": CHUNKS.replace(b"1.1", b"1.0") + CHUNKED,
    "a chunk that is no number": CHUNKS + b"zz\r\n" + TAKEN + b"\r\n0\r\n\r\n",
    "a chunk that is cut off": CHUNKS + b"ff\r\n" + TAKEN,
    "chunks without an end": CHUNKS + CHUNKED[:-5],
    "a body that is cut off": response("201 Created", TAKEN[:-1], f"Content-Length: {len(TAKEN)}", length=False),
    "a refusal that is cut off": response("400 Bad Request", REFUSED[:9], "Content-Length: 35", length=False),
    "a body that is not gzip": response("201 Created", TAKEN, "Content-Encoding: gzip"),
    "a gzip that is cut off": response("201 Created", gzip.compress(TAKEN)[:-12], "Content-Encoding: gzip"),
    "a refusal in a gzip that is cut off": response(
        "400 Bad Request", gzip.compress(REFUSED)[:-12], "Content-Encoding: gzip"
    ),
    "a gzip without its end": response("201 Created", gzip.compress(TAKEN)[:-8], "Content-Encoding: gzip"),
    "a thousand members of gzip": response("201 Created", gzip.compress(b" ") * 1000, "Content-Encoding: gzip"),
    "a coding that was not asked for": response("201 Created", TAKEN, "Content-Encoding: br"),
    "a refusal that is not gzip": response("400 Bad Request", REFUSED, "Content-Encoding: gzip"),
    "a coding that nobody knows": response("201 Created", b"\x00\x01" * 9, "Content-Encoding: vernam"),
    "too many codings": response("201 Created", TAKEN, "Content-Encoding: " + ", ".join(["gzip"] * 99)),
    "a header without a colon": response("201 Created", TAKEN, "this is no header", "X: y"),
    "a header that begins with a space": b"HTTP/1.1 201 Created\r\n X: y\r\nContent-Length: 31\r\n\r\n" + TAKEN,
    "a header with a null": response("201 Created", TAKEN, "X\x00Y z"),
    "two hundred headers": response("201 Created", TAKEN, *[f"X-{number}: y" for number in range(200)]),
    "a header that is too long": response("201 Created", TAKEN, "X: " + "y" * 70_000),
    "a body that is too long": response("201 Created", TAKEN + b" " * (LONGEST + 1 - len(TAKEN))),
    "a body that is too long when unpacked": response(
        "201 Created", gzip.compress(TAKEN + b" " * (1 << 21)), "Content-Encoding: gzip"
    ),
    "headers without end": b"HTTP/1.1 201 Created\r\n" + b"".join(HINTS for _ in range(25_000)),
    "headers of more than a megabyte": response("201 Created", TAKEN, *["X: " + "y" * 60_000] * 20),
    "more than a megabyte of interim responses": HINTS * 25_000 + response(),
    "no body where one is promised": response("204 No Content", b"", length=False),
    "another body": response("201 Created", b"<html>"),
    "a body of its own kind": response("200 OK", b'{"status": "ok"}'),
    "a status that nobody knows": response("600 Strange", REFUSED),
    "an error that the contract leaves out": response("501 Not Implemented", REFUSED),
}


def outcome(session_of, api, **options):
    """The outcome of one event after one attempt at it."""
    session = session_of(api, 1, retry_budget=0, timeout=(0.5, 0.5), **options)
    try:
        session.flush()
    except DeliveryError as error:
        return error.undelivered[0].outcome
    return "delivered"


@pytest.mark.parametrize("answer", DELIVERED.values(), ids=DELIVERED)
def test_a_response_that_can_be_read_is_taken_at_its_word(session_of, answer, http):
    with RawAPI(answer) as api:
        assert outcome(session_of, api, **http) == "delivered"


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_final_whatever_its_headers_say(session_of, answer, http):
    with RawAPI(answer) as api:
        session = session_of(api, 1, retry_budget=1, **http)
        with pytest.raises(DeliveryError) as caught:
            session.flush()
    assert [item.outcome for item in caught.value.undelivered] == ["refused"]
    assert len(api.received) == 1


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
def test_a_response_that_cannot_be_read_leaves_the_outcome_unknown(session_of, answer, http):
    with RawAPI(lambda connection: connection.sendall(answer)) as api:
        assert outcome(session_of, api, **http) == "unknown"


@pytest.mark.parametrize("name", ["two lengths", "another body", "103 and then the end", "a chunk that is no number"])
def test_an_unreadable_response_has_the_same_bytes_sent_again_on_another_connection(session_of, name, http):
    with RawAPI(UNREADABLE[name]) as api:
        session_of(api, 1, timeout=(0.5, 0.5), **http).flush()
    assert (len(api.received), len(set(api.keys)), api.connections) == (2, 1, 2)


@pytest.mark.parametrize(
    ("extra", "pause"),
    [
        (response(), 0),  # sent in one piece with the first response
        (response(), 0.05),  # sent while the connection waits in its pool
        (HINTS + response(), 0),
        (b"\r\n", 0),
    ],
)
@pytest.mark.parametrize("first", [response(), response("201 Created", TAKEN, "Content-Length: 3"), CHUNKS + CHUNKED])
def test_what_follows_a_response_is_not_taken_for_the_next_one(session_of, first, extra, pause, http):
    def answer(connection):
        if pause:
            connection.sendall(first)
            time.sleep(pause)
            connection.sendall(extra)
            followed.set()
        else:
            connection.sendall(first + extra)
            followed.set()
        return True

    followed = threading.Event()
    with RawAPI(answer, response("400 Bad Request", REFUSED)) as api:
        client = session_of(api, 0, retry_budget=0, timeout=(0.5, 0.5), **http).client
        outcomes = []
        for number in range(2):
            session = client.service_session("job-1")
            session.created_test({"id": number})
            try:
                session.flush()
                outcomes.append("delivered")
            except DeliveryError as error:
                outcomes.append(error.undelivered[0].outcome)
            followed.wait(2)
    assert outcomes[0] in ("delivered", "unknown")
    assert outcomes[1] == "refused"
    assert api.connections == 2


def test_a_connection_whose_responses_are_understood_is_kept(session_of, http):
    with RawAPI(HINTS + response(), response("503 Busy", b""), CHUNKS + CHUNKED) as api:
        session = session_of(api, 1, **http)
        session.flush()
        for number in range(3):
            session.created_test({"id": number})
            session.flush()
    assert (api.connections, len(api.received)) == (1, 5)


texts = st.text(max_size=20) | st.sampled_from(["120", "-1", "Fri, 31 Dec 9999 23:59:59 GMT", "0 0 0 0 0 +9999"])


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        (" 2\t", 2.0),
        ("0", 0.0),
        ("9" * 400, 86_400.0),
        ("2\x1f", None),
        ("\u0662", None),
        ("2.5", None),
        ("soon", None),
    ],
)
def test_a_retry_after_is_a_number_of_ascii_digits_or_counts_as_none(value, pause):
    """`str.strip` takes away more than HTTP calls white space."""
    assert read_answer(Request((None,), b"", "key"), 503, {"Retry-After": value}, b"").pause == pause


AGAIN = {407, 408, 425, 429, 502, 503, 504}
HINTED = {*range(300, 400), 401, 403, 404, 405, 407, 410, 421}


def verdict_of(status):
    if 200 <= status < 300:
        return Verdict.SETTLED
    if status == 413:
        return Verdict.SPLIT
    return Verdict.FINAL if 300 <= status < 500 and status not in AGAIN else Verdict.AGAIN


def test_each_status_has_its_verdict():
    request = Request((None,), b"", "key")
    found = {status: read_answer(request, status, {}, TAKEN).verdict for status in range(100, 1000)}
    assert found == {status: verdict_of(status) for status in range(100, 1000)}


@pytest.mark.parametrize(
    ("error_type", "verdict"), [("TooOld", Verdict.FINAL), ("InternalFailureException", Verdict.AGAIN)]
)
def test_only_400_and_500_may_name_an_error_that_decides(error_type, verdict):
    request, body = Request((None,), b"", "key"), b'{"errorType": "%s"}' % error_type.encode()
    found = {status: read_answer(request, status, {}, body).verdict for status in range(300, 1000)}
    assert found == {status: verdict_of(status) for status in range(300, 1000)} | {400: verdict, 500: verdict}


def test_only_statuses_that_blame_the_settings_come_with_advice():
    request = Request((None,), b"", "key")
    reasons = {status: read_answer(request, status, {}, b"").reason for status in range(300, 1000)}
    assert {status for status, reason in reasons.items() if reason != f"HTTP {status}"} == HINTED


def test_a_body_may_be_as_long_unpacked_as_one_that_is_not_packed():
    halves = gzip.compress(b"x" * 50) * 2
    assert unpacked(halves, "gzip", 100) == b"x" * 100
    for most in (99, 50, 49):
        with pytest.raises(ResponseTooLong):
            unpacked(halves, "gzip", most)


@settings(max_examples=300, deadline=None)
@given(st.integers(100, 999), st.dictionaries(st.sampled_from(["Retry-After", "Location"]), texts), st.binary())
def test_every_response_has_a_meaning(status, headers, body):
    answer = read_answer(Request((None,), b"", "key"), status, headers, body)
    assert (answer.verdict in (Verdict.FINAL, Verdict.SPLIT)) <= (300 <= status <= 500)
    assert answer.pause is None or 0 <= answer.pause <= 86_400
