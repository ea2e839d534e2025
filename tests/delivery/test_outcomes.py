"""The outcome of an event that was not delivered: the API refused it, it never left, or nothing is certain."""

import socket
import threading

import pytest

from bc_events import DeliveryError

from .raw import RawAPI, response


@pytest.fixture
def nobody():
    """The address of no server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def outcomes(session):
    with pytest.raises(DeliveryError) as caught:
        session.flush()
    return {item.outcome for item in caught.value.undelivered}


def test_an_event_that_found_no_server_is_unsent(session_of, nobody, http):
    assert outcomes(session_of(f"http://{nobody}", 2, retry_budget=0.2, **http)) == {"unsent"}


def test_an_event_whose_servers_name_is_unknown_is_unsent(session_of, no_proxies, http):
    assert outcomes(session_of("http://events.invalid", 1, retry_budget=0, **http)) == {"unsent"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_event_that_found_no_proxy_is_unsent(session_of, no_proxies, nobody, scheme, http):
    no_proxies.setenv(f"{scheme}_proxy", f"http://{nobody}")
    assert outcomes(session_of(f"{scheme}://events.internal", 1, retry_budget=0, **http)) == {"unsent"}


@pytest.mark.parametrize("proxy", ["http://", "http://[", "socks5://127.0.0.1:1"])
def test_an_event_whose_proxy_cannot_be_used_is_unsent(session_of, no_proxies, proxy, http):
    no_proxies.setenv("http_proxy", proxy)
    assert outcomes(session_of("http://events.internal", 1, retry_budget=0, **http)) == {"unsent"}


def test_an_event_that_its_proxy_did_not_let_through_is_unsent(session_of, no_proxies, http):
    def refuse():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        no_proxies.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=refuse)
        thread.start()
        assert outcomes(session_of("https://events.internal", 1, retry_budget=0, **http)) == {"unsent"}
        thread.join()


def test_an_event_that_its_proxy_asked_a_login_for_is_unsent_and_sent_again(session_of, http):
    with RawAPI(response("407 Proxy Authentication Required", b"")) as api:
        assert outcomes(session_of(api, 1, retry_budget=0, **http)) == {"unsent"}
    with RawAPI(response("407 Proxy Authentication Required", b"")) as api:
        session_of(api, 1, **http).flush()
    assert len(api.received) == 2


def test_an_event_for_a_server_that_is_not_trusted_is_unsent(session_of, authority, monkeypatch, http):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with RawAPI(tls=authority.context) as api:
        assert outcomes(session_of(api, 1, retry_budget=0, **http)) == {"unsent"}
    assert api.received == []


def test_an_event_for_a_server_without_tls_is_unsent(session_of, http):
    with RawAPI() as api:
        url = api.url.replace("http:", "https:")
        assert outcomes(session_of(url, 1, retry_budget=0, timeout=(0.5, 0.5), **http)) == {"unsent"}


def test_an_event_whose_certificates_cannot_be_read_is_unsent(session_of, monkeypatch, tmp_path, http):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    assert outcomes(session_of("https://127.0.0.1:9", 1, retry_budget=0, **http)) == {"unsent"}


def test_an_event_without_a_token_is_unsent(session_of, http):
    def token():
        raise OSError("away")

    with RawAPI() as api:
        assert outcomes(session_of(api, 1, retry_budget=0.2, auth=token, **http)) == {"unsent"}
    assert api.received == []


@pytest.mark.parametrize("token", [lambda: {}["token"], lambda: None, lambda: "a\nb"])
def test_a_source_of_tokens_that_is_wrong_is_not_asked_again(session_of, token, http):
    asked = []

    def auth():
        asked.append(1)
        return token()

    with RawAPI() as api:
        assert outcomes(session_of(api, 3, max_request_events=1, auth=auth, **http)) == {"unsent"}
    assert len(asked) == 1


def test_an_event_whose_token_could_not_be_renewed_is_unsent(session_of):
    tokens = iter(["token"])
    with RawAPI(response("401 Unauthorized", b"")) as api:
        assert outcomes(session_of(api, 1, retry_budget=0, auth=lambda: next(tokens, None))) == {"unsent"}


def test_an_event_stays_unknown_that_was_sent_before_its_connection_was_refused(session_of):
    with RawAPI() as api:
        api.answers = [api.leaves]
        assert outcomes(session_of(api, 1, retry_budget=0.3)) == {"unknown"}


def test_an_event_is_unknown_whose_server_went_after_the_request(session_of, http):
    with RawAPI(b"") as api:
        assert outcomes(session_of(api, 1, retry_budget=0, **http)) == {"unknown"}
