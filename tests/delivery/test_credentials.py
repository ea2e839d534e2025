"""Where requests go, by whose credentials, and what a ready session keeps of its own."""

import multiprocessing
import os
from contextlib import suppress

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

from bc_events import DeliveryError
from bc_events._delivery.bearer import BearerToken
from bc_events._delivery.loopback import is_loopback

from .scripted import Reply, ScriptedAPI, refused


def authorisations(api):
    return [request.headers.get("authorization") for request in api.received]


LOOPBACK = ["127.0.0.1", "localhost", "127.8.8.8", "[::1]", "LOCALHOST", "127.1", "api.localhost", "localhost."]
ELSEWHERE = ["events.internal", "128.0.0.1", "localhost.internal", "notlocalhost", "0.0.0.0", "[::2]", "10.127.0.1"]


@pytest.mark.parametrize(("hosts", "is_this_machine"), [(LOOPBACK, True), (ELSEWHERE, False)])
def test_this_machine_is_told_from_others(hosts, is_this_machine):
    assert [host for host in hosts if is_loopback(host) is not is_this_machine] == []


@pytest.fixture
def proxy(no_proxies):
    """A proxy that the environment names for everything."""
    with ScriptedAPI() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            no_proxies.setenv(name, proxy.url)
        yield proxy


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
class TestLoopback:
    """Plain HTTP may carry credentials to this machine, because they do not leave it."""

    def test_no_proxy_of_the_environment_sees_a_request_to_it(self, session_of, proxy, host):
        with ScriptedAPI() as api:
            session_of(api.url.replace("127.0.0.1", host), 1, auth=lambda: "token").flush()
        assert (len(api.received), proxy.received) == (1, [])

    @pytest.mark.parametrize("key", ["http", "all", "http://{host}", "all://{host}"])
    def test_no_proxy_of_a_ready_session_sees_a_request_to_it(self, session_of, proxy, host, key):
        with ScriptedAPI() as api, requests.Session() as ready:
            ready.proxies[key.format(host=host)] = proxy.url
            session_of(api.url.replace("127.0.0.1", host), 1, http=ready, auth=lambda: "token").flush()
        assert (len(api.received), proxy.received) == (1, [])


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(path))


@pytest.mark.usefixtures("netrc")
class TestNetrc:
    def test_it_does_not_replace_the_credentials_of_a_ready_session(self, session_of):
        with ScriptedAPI() as api, requests.Session() as ready:
            ready.headers["Authorization"] = "Bearer token"
            session_of(api, 1, http=ready).flush()
        assert authorisations(api) == ["Bearer token"]

    @pytest.mark.parametrize("answer", [Reply(), Reply(307, {"Location": "http://127.0.0.1:9/"}, b"")])
    def test_a_ready_session_sends_no_login_from_it(self, session_of, answer):
        with ScriptedAPI(answer) as api, requests.Session() as ready, suppress(DeliveryError):
            session_of(api, 1, http=ready).flush()
        assert authorisations(api) == [None]

    def test_a_ready_session_whose_owner_asks_for_it_sends_it(self, session_of):
        with ScriptedAPI() as api, requests.Session() as ready:
            ready.auth = requests.utils.get_netrc_auth(api.url)
            session_of(api, 1, http=ready).flush()
        assert authorisations(api)[0].startswith("Basic ")

    @pytest.mark.parametrize("answer", [Reply(), refused(401)])
    def test_the_clients_own_token_is_what_a_ready_session_sends(self, session_of, answer):
        with ScriptedAPI(answer) as api, requests.Session() as ready:
            session_of(api, 1, http=ready, auth=lambda: "token").flush()
        assert set(authorisations(api)) == {"Bearer token"}


@pytest.mark.parametrize("tokens", [["a", "b"], ["b", "a"]])
def test_a_late_refusal_of_an_old_token_leaves_the_new_one(tokens):
    source = iter(tokens)
    token = BearerToken(lambda: next(source))
    old, new = requests.PreparedRequest(), requests.PreparedRequest()
    old.headers, new.headers = {}, {}
    token(old)
    token.reject(old)
    token(new)
    token.reject(old)
    assert new.headers == token(old).headers == {"Authorization": f"Bearer {tokens[1]}"}


def test_a_digest_challenge_is_answered_by_the_auth_of_a_ready_session(session_of):
    challenge = Reply(401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, {"errorType": "Denied"})
    with ScriptedAPI(challenge) as api, requests.Session() as ready:
        ready.auth = HTTPDigestAuth("user", "password")
        session_of(api, 1, http=ready).flush()
    assert [(one or "")[:6] for one in authorisations(api)] == ["", "Digest"]
    assert len(set(api.keys)) == 1


def test_a_hook_of_a_ready_session_finds_the_body_read(session_of):
    seen = []
    with ScriptedAPI() as api, requests.Session() as ready:
        ready.hooks["response"].append(lambda response, *_args, **_options: seen.append(response.json()["jobId"]))
        session_of(api, 1, http=ready).flush()
    assert seen == ["job-1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_keeps_an_adapter_of_a_class_of_its_owners(client_of):
    """`HTTPAdapter` copies only the attributes that it knows."""

    class Tagging(HTTPAdapter):
        def __init__(self, tag):
            self.tag = tag
            super().__init__()

        def init_poolmanager(self, *args, **options):
            self.tagged = self.tag.upper()
            super().init_poolmanager(*args, **options)

        def add_headers(self, request, **_options):
            request.headers["X-Tag"] = self.tagged

    with ScriptedAPI() as api, requests.Session() as ready:
        ready.mount("http://", Tagging("team"))
        client = client_of(api, http=ready)

        def work():
            session = client.service_session("job-1")
            session.created_test({"id": 1})
            session.flush()

        work()
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join(30)
        assert child.exitcode == 0
    assert [received.headers["x-tag"] for received in api.received] == ["TEAM", "TEAM"]
