"""An attempt ends within the sum of its timeouts, however slowly the other side goes."""

import asyncio
import socket
import threading
import time

import pytest
import requests

from bc_events import DeliveryError, events
from bc_events.outbox import Relay, RelaySettings, SQLiteOutbox

from .raw import RawAPI, response

LIMITS = {"timeout": (0.2, 0.2), "retry_budget": 0}
AT_MOST = 3 * 0.4  # three times the sum, because other tests may keep the machine busy
HEAD = b"HTTP/1.1 201 Created\r\n"
LENGTH = b"Content-Length: 99\r\n\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
DRIPS = {
    "status line": (b"", [b"H", b"T", b"T", b"P", b"/", b"1", b".", b"1", b" ", b"2", b"0", b"1", b" "]),
    "interim responses": (b"", [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 20),
    "headers": (HEAD, [b"X: y\r\n"] * 20),
    "a header": (HEAD, [b"x"] * 20),
    "body": (HEAD + LENGTH, [b" "] * 20),
    "chunks": (HEAD + CHUNKS, [b"1\r\n \r\n"] * 20),
    "a chunk's size": (HEAD + CHUNKS, [b"0"] * 20),
    "trailer": (HEAD + CHUNKS + b"0\r\n", [b"X: y\r\n"] * 20),
    "body without a length": (HEAD + b"\r\n", [b" "] * 20),
}
READY = [("headers", "ready"), ("chunks", "ready")]


def flushed(session):
    """(seconds, outcome) of a flush."""
    started = time.monotonic()
    try:
        session.flush()
    except DeliveryError as error:
        return time.monotonic() - started, error.undelivered[0].outcome
    return time.monotonic() - started, "delivered"


@pytest.mark.parametrize(("drips", "http"), [(one, "own") for one in DRIPS] + READY, indirect=["http"])
def test_a_response_that_drips_ends_with_its_attempt(session_of, drips, http):
    with RawAPI() as api:
        api.answers = [api.drips(*DRIPS[drips], 0.1)]
        took, outcome = flushed(session_of(api, 1, **LIMITS, **http))
    assert outcome == "unknown"
    assert took < AT_MOST


def test_a_connection_that_a_ready_session_had_open_keeps_to_the_deadline_too(session_of):
    with RawAPI() as api, requests.Session() as ready:
        headers = {"Idempotency-Key": "key"}
        assert ready.post(api.url, data="{}", headers=headers, timeout=9).status_code == 201
        api.answers = [api.drips(*DRIPS["body"], 0.1)]
        took, outcome = flushed(session_of(api, 1, **LIMITS, http=ready))
        assert ready.post(api.url, data="{}", headers=headers, timeout=9).status_code == 201
    assert outcome == "unknown"
    assert took < AT_MOST


def test_a_server_that_reads_slowly_ends_the_attempt(session_of, http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ended = threading.Event()

        def read():
            connection, _ = listener.accept()
            with connection:
                while not ended.wait(0.05) and connection.recv(4096):
                    pass

        thread = threading.Thread(target=read)
        thread.start()
        session = session_of(f"http://127.0.0.1:{listener.getsockname()[1]}", **LIMITS, **http)
        session.created_test({"id": "x" * 8_000_000})
        took, outcome = flushed(session)
        ended.set()
        thread.join()
    assert outcome == "unknown"
    assert took < AT_MOST


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_proxy_that_is_slow_to_connect_ends_the_attempt_and_nothing_was_sent(session_of, monkeypatch, answer, http):
    """Before its answer, within it, and in the TLS handshake that follows."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)
            while not ended.wait(0.1):
                if not answer.endswith(b"\r\n\r\n"):
                    connection.sendall(b"X: y\r\n" if answer else b" ")

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=serve)
        thread.start()
        took, outcome = flushed(session_of("https://events.internal", 1, **LIMITS, **http))
        ended.set()
        thread.join()
    assert outcome == "unsent"
    assert took < AT_MOST


def test_addresses_that_do_not_answer_share_the_deadline(session_of, no_proxies, http):
    """Each address has its own time to connect, but all have one deadline."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 9)) for number in range(20)]
    look_up = socket.getaddrinfo
    no_proxies.setattr(
        socket, "getaddrinfo", lambda name, *args: found if name == "events.internal" else look_up(name, *args)
    )
    took, outcome = flushed(session_of("http://events.internal", 1, **LIMITS, **http))
    assert outcome == "unsent"
    assert took < AT_MOST


def test_a_resolver_that_hangs_ends_the_attempt(session_of, no_proxies, http):
    ended = threading.Event()
    look_up = socket.getaddrinfo

    def hang(name, *args, **options):
        if name == "events.internal":
            ended.wait(5)
        return look_up(name, *args, **options)

    no_proxies.setattr(socket, "getaddrinfo", hang)
    took, outcome = flushed(session_of("http://events.internal", 1, **LIMITS, **http))
    ended.set()
    assert outcome == "unsent"
    assert took < AT_MOST


def test_a_name_is_looked_up_also_where_no_thread_can_be_started(session_of, no_proxies):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    look_up = socket.getaddrinfo
    no_proxies.setattr(
        socket, "getaddrinfo", lambda name, *args: look_up(name.replace("events.internal", "127.0.0.1"), *args)
    )
    with RawAPI() as api:
        port = api.url.rpartition(":")[2]
        api.answers = [lambda connection: connection.sendall(response())]
        with no_proxies.context() as limited:
            session = session_of(f"http://events.internal:{port}", 1)
            limited.setattr(threading.Thread, "start", _only(refuse, threading.get_ident()))
            session.flush()
    assert len(api.received) == 1


def _only(refuse, ident):
    """Applies `refuse` to threads that the thread `ident` starts."""
    start = threading.Thread.start
    return lambda thread: refuse(thread) if threading.get_ident() == ident else start(thread)


def test_the_repeat_with_a_new_token_is_part_of_the_attempt(session_of):
    with RawAPI() as api:
        api.answers = [api.drips(b"HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\n", [b"a", b"b", b"c"], 0.1), api.hangs]
        took, outcome = flushed(session_of(api, 1, **LIMITS, auth=lambda: "token"))
    assert outcome == "unknown"
    assert took < AT_MOST


def test_repeats_are_cut_to_the_budget_that_is_left(session_of):
    with RawAPI() as api:
        api.answers = [response("503 Busy", b""), *[api.drips(HEAD, [b"X: y\r\n"] * 90, 0.05)] * 5]
        took, outcome = flushed(session_of(api, 1, timeout=(5, 5), retry_budget=0.5))
    assert outcome == "unknown"
    assert took < 0.5 + 1


def test_cancelling_a_scope_waits_no_longer_than_the_attempt(client_of):
    with RawAPI() as api:
        api.answers = [api.drips(*DRIPS["body"], 0.1)]
        client = client_of(api, **LIMITS)

        async def work():
            async with events.session(client=client):
                events.created_test({"id": 1})

        started = time.monotonic()
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(work(), 0.1))
    assert time.monotonic() - started < AT_MOST + 0.2


def test_a_relay_stops_within_one_attempt(client_of, tmp_path):
    with RawAPI() as api:
        arrived = threading.Event()
        drip = api.drips(*DRIPS["body"], 0.1)
        api.answers = [lambda connection: (arrived.set(), drip(connection))[1]]
        client = client_of(api, **LIMITS, outbox=SQLiteOutbox(tmp_path / "events.db", relay=False))
        session = client.service_session("job-1")
        session.created_test({"id": 1})
        session.flush()
        relay = Relay.of(client, settings=RelaySettings(lease=5))
        relay.start()
        assert arrived.wait(5)
        started = time.monotonic()
        relay.stop()
    assert time.monotonic() - started < AT_MOST


def test_a_tls_server_that_drips_ends_the_attempt(session_of, authority):
    with RawAPI(tls=authority.context) as api:
        api.answers = [response(), api.drips(*DRIPS["chunks"], 0.1)]
        session = session_of(api, 1, timeout=(0.4, 0.4), retry_budget=0)
        session.flush()
        session.created_test({"id": 1})
        took, outcome = flushed(session)
    assert (outcome, api.connections) == ("unknown", 1)
    assert took < AT_MOST + 0.4


def test_a_tls_server_that_reads_slowly_ends_the_attempt(session_of, authority):
    with RawAPI(tls=authority.context) as api:
        api.reads_slowly = 0.05
        session = session_of(api, timeout=(0.4, 0.4), retry_budget=0)
        session.created_test({"id": "x" * 9_000_000})
        took, outcome = flushed(session)
    assert outcome == "unknown"
    assert took < AT_MOST + 0.4


def test_a_tls_handshake_that_hangs_ends_the_attempt_and_nothing_was_sent(session_of, http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        took, outcome = flushed(session_of(f"https://127.0.0.1:{listener.getsockname()[1]}", 1, **LIMITS, **http))
    assert outcome == "unsent"
    assert took < AT_MOST
