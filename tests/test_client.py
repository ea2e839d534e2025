"""EventClient: what it is configured with."""

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth

from bc_events import (
    ConfigurationError,
    DeliveryError,
    EventClient,
    InvalidEventError,
    TopicTable,
)

from .conftest import TOPICS
from .delivery.scripted import Reply, ScriptedAPI, answers, refused


def refusal(url="https://example.com", name="TestService", topics=TOPICS, **settings):
    with pytest.raises(ConfigurationError) as caught:
        EventClient(url, name, topics, **settings)
    return str(caught.value)


class TestConfiguration:
    @pytest.mark.parametrize("name", ["", "Four", None, 12345, "Four\ud800", "TestService\n"])
    def test_a_service_name_that_no_actor_id_may_be_is_refused(self, name):
        assert refusal(name=name).startswith("service_name is")

    @pytest.mark.parametrize(
        "url",
        [
            *(" ", "example.com", "ftp://example.com", "https://", "http://[::1", "https://a:99999", "https://a:b"),
            *(3, b"https://a", "https://a.com\n", "https://a .com"),
        ],
    )
    def test_what_is_no_url_is_refused(self, url):
        assert refusal(url=url).startswith("api_url is not a URL")

    def test_a_url_with_credentials_or_a_query_is_refused_without_showing_them(self):
        assert "secret" not in refusal(url="https://user:secret@example.com")
        assert "secret" not in refusal(url="https://example.com/?key=secret")

    @pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "0.0.0.0"])
    def test_auth_over_plain_http_is_refused_off_loopback(self, host):
        session = requests.Session()
        session.headers["Authorization"] = "Basic secret"
        for settings in ({"auth": lambda: "secret"}, {"auth": HTTPBasicAuth("a", "b")}, {"http": session}):
            assert "unencrypted" in refusal(url=f"http://{host}", **settings)
        assert EventClient(f"http://{host}", "TestService", TOPICS)

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "127.8.8.8", "[::1]:80"])
    def test_auth_over_plain_http_is_fine_on_loopback(self, host):
        assert EventClient(f"http://{host}", "TestService", TOPICS, auth=lambda: "token")

    @pytest.mark.parametrize(
        ("setting", "values"),
        [
            ("max_request_events", [0, 251, 1.5, "5", None, True]),
            ("max_request_bytes", [0, -1, 1.5, None]),
            ("timeout", [5, None, (1,), (0, 1), (1, -1), (1, None), (1, float("nan")), (float("inf"), 1), ("1", "2")]),
            ("retry_budget", [-1, float("nan"), "5", None, True]),
            ("auth", ["token", b"token", 7]),
        ],
    )
    def test_a_setting_that_cannot_work_is_refused_by_name(self, setting, values):
        for value in values:
            assert refusal(**{setting: value}).startswith(setting)

    def test_a_table_that_was_read_already_may_serve_several_clients(self):
        table = TopicTable.read(TOPICS)
        assert EventClient(None, "TestService", table).topic_table is EventClient(None, "Second", table).topic_table
        assert "give show_values to TopicTable.read" in refusal(topics=table, show_values=True)

    def test_errors_show_values_where_the_client_asks_for_it(self):
        schema = {"properties": {"id": {"type": "null"}}}
        topics = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": schema}]}
        shown = EventClient(None, "TestService", topics, show_values=True).service_session()
        hidden = EventClient(None, "TestService", topics).service_session()
        with pytest.raises(InvalidEventError, match="Ann"):
            shown.created_test({"id": "Ann"})
        with pytest.raises(InvalidEventError, match="the value is not of type"):
            hidden.created_test({"id": "Ann"})

    def test_a_client_is_a_context_manager_that_closes(self):
        with ScriptedAPI() as api:
            with EventClient(api.url, "TestService", TOPICS) as client:
                session = client.service_session("job-1")
                session.created_test({"id": 1})
                session.flush()
            session.created_test({"id": 2})
            with pytest.raises(DeliveryError, match="the client is closed"):
                session.flush()
        EventClient(None, "TestService", TOPICS).close()


class TestEnrichers:
    def test_they_run_in_order_before_the_check_and_decide_what_is_sent(self):
        def add(topic, data):
            return {**data, "id": 1, "topic": topic.name}

        def redact(_topic, data):
            return {name: value for name, value in data.items() if name != "ssn"}

        session = EventClient(None, "TestService", TOPICS, enrichers=[add, redact]).service_session("job-1")
        given = {"ssn": "078-05-1120"}
        event = session.created_test(given)
        assert event.data == {"id": 1, "topic": "testing.TestCreated"}
        assert given == {"ssn": "078-05-1120"}

    def test_one_that_changes_what_it_gets_does_not_change_its_callers(self):
        def redact(_topic, data):
            del data["ssn"]
            return data

        given = {"id": 1, "ssn": "078-05-1120"}
        client = EventClient(None, "TestService", TOPICS, enrichers=[redact])
        event = client.service_session("job-1").created_test(given)
        assert event.data == {"id": 1}
        assert given == {"id": 1, "ssn": "078-05-1120"}

    @pytest.mark.parametrize("rubbish", [None, [], "text", {}, {"other": 1}, {"id": float("nan")}])
    def test_one_that_returns_rubbish_has_the_event_refused(self, rubbish):
        session = EventClient(None, "TestService", TOPICS, enrichers=[lambda *_: rubbish]).service_session("job-1")
        with pytest.raises(InvalidEventError):
            session.created_test({"id": 1})
        assert session.events == []

    def test_one_that_raises_raises_at_the_call_and_nothing_is_published(self):
        def broken(_topic, data):
            return data["nothing"]

        session = EventClient(None, "TestService", TOPICS, enrichers=[broken]).service_session("job-1")
        with pytest.raises(KeyError):
            session.created_test({"id": 1})
        assert session.events == []


class Custom(AuthBase):
    def __call__(self, prepared):
        prepared.headers["X-Signed"] = str(len(prepared.body))
        return prepared


def authorisations(api):
    return [request.headers.get("authorization") for request in api.received]


class TestAuth:
    def test_an_auth_object_signs_each_request(self, session_of):
        with ScriptedAPI() as api:
            session_of(api, 1, auth=Custom()).flush()
        (request,) = api.received
        assert request.headers["x-signed"] == str(len(request.body))

    def test_a_token_is_asked_for_once_and_again_after_a_401_once(self, session_of):
        tokens = iter(["first", "second", "third"])
        with ScriptedAPI(Reply(), refused(401)) as api:
            session = session_of(api, 1, auth=lambda: next(tokens))
            session.flush()
            session.created_test({"id": 2})
            session.flush()
        assert authorisations(api) == ["Bearer first", "Bearer first", "Bearer second"]
        assert api.received[1].key == api.received[2].key

    def test_a_second_401_is_final(self, session_of):
        tokens = iter(["first", "second", "third"])
        with ScriptedAPI(refused(401), refused(401)) as api, pytest.raises(DeliveryError, match="HTTP 401"):
            session_of(api, 1, auth=lambda: next(tokens)).flush()
        assert authorisations(api) == ["Bearer first", "Bearer second"]

    def test_many_threads_ask_for_one_new_token_between_them(self, client_of):
        asked = []

        def token():
            asked.append(threading.current_thread().name)
            return f"token-{len(asked)}"

        @answers
        def only_the_second(received):
            if received.headers["authorization"] == "Bearer token-1":
                arrived.wait()
            return Reply() if received.headers["authorization"] == "Bearer token-2" else refused(401)

        arrived = threading.Barrier(8, timeout=30)
        with ScriptedAPI() as api:
            api.after = only_the_second
            client = client_of(api, auth=token)

            def work(number):
                session = client.service_session(f"job-{number}")
                session.created_test({"id": number})
                session.flush()

            with ThreadPoolExecutor(8) as pool:
                list(pool.map(work, range(8)))
        assert len(asked) == 2
        assert sorted(authorisations(api)) == ["Bearer token-1"] * 8 + ["Bearer token-2"] * 8

    @pytest.mark.parametrize("token", [None, "", b"token", 7, "secret\r\nX: y", "sécret"])
    def test_what_is_no_token_is_never_sent(self, session_of, token):
        with ScriptedAPI() as api, pytest.raises(DeliveryError, match="where a bearer token is needed") as caught:
            session_of(api, 1, auth=lambda: token, retry_budget=0).flush()
        assert api.received == []
        assert "cret" not in str(caught.value)

    def test_a_source_of_tokens_that_fails_is_tried_again(self, session_of):
        sources = iter([OSError("secret"), None])

        def token():
            failure = next(sources)
            if failure:
                raise failure
            return "token"

        with ScriptedAPI() as api:
            session_of(api, 1, auth=token).flush()
        assert authorisations(api) == ["Bearer token"]

    def test_a_source_of_tokens_that_fails_for_good_is_named(self, session_of):
        def token():
            raise OSError("secret")

        with ScriptedAPI() as api, pytest.raises(DeliveryError, match="the auth callable raised OSError") as caught:
            session_of(api, 1, auth=token, retry_budget=0).flush()
        assert "secret" not in str(caught.value)

    def test_credentials_of_other_programs_are_not_picked_up(self, session_of, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        with ScriptedAPI() as api:
            session_of(api, 1).flush()
        assert authorisations(api) == [None]


class TestOwnConnections:
    def test_the_environment_names_the_proxy(self, session_of, monkeypatch):
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with ScriptedAPI(Reply(body={"eventId": "1", "jobId": "job-1"})) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            session_of("http://events.internal", 1).flush()
            monkeypatch.setenv("no_proxy", "events.internal")
            with pytest.raises(DeliveryError):
                session_of("http://events.internal", 1, retry_budget=0).flush()
        assert [received.path for received in proxy.received] == ["http://events.internal/events"]

    def test_a_cookie_of_the_api_comes_back_to_it(self, session_of):
        """By such a cookie, a load balancer keeps a client on one server."""
        with ScriptedAPI(Reply(headers={"Set-Cookie": "node=7"})) as api:
            session = session_of(api, 1)
            session.flush()
            session.created_test({"id": 1})
            session.flush()
        assert [received.headers.get("cookie") for received in api.received] == [None, "node=7"]

    def test_what_is_sent_is_what_requests_sends(self, session_of):
        given = {"Content-Type": "application/json", "X-BriteCore-Job-Id": "job-1", "Idempotency-Key": "key-1"}
        with ScriptedAPI() as api:
            session_of(api, 1).flush()
            requests.post(f"{api.url}/events", data=api.received[0].body, headers=given, timeout=9)
        ours, theirs = (received.headers | {"idempotency-key": None} for received in api.received)
        assert ours == theirs


class TestReadySession:
    def test_its_headers_auth_hooks_and_adapters_are_its_own(self, session_of):
        seen = []

        class Counting(HTTPAdapter):
            def send(self, *args, **kwargs):
                seen.append("adapter")
                return super().send(*args, **kwargs)

        with ScriptedAPI() as api, requests.Session() as ready:
            ready.headers["X-Team"] = "policies"
            ready.auth = ("user", "password")
            ready.hooks["response"].append(lambda *_args, **_kwargs: seen.append("hook"))
            ready.mount("http://", Counting())
            session_of(api, 1, http=ready).flush()
        assert seen == ["adapter", "hook"]
        assert api.received[0].headers["x-team"] == "policies"
        assert authorisations(api)[0].startswith("Basic ")

    def test_the_clients_auth_wins_over_its(self, session_of):
        with ScriptedAPI() as api, requests.Session() as ready:
            ready.auth = ("user", "password")
            session_of(api, 1, http=ready, auth=lambda: "token").flush()
        assert authorisations(api) == ["Bearer token"]

    def test_a_hook_that_raises_for_status_does_not_hide_the_answer(self, session_of):
        with ScriptedAPI(refused(503), refused(400, "ValidationException")) as api, requests.Session() as ready:
            ready.hooks["response"].append(lambda response, *_args, **_kwargs: response.raise_for_status())
            with pytest.raises(DeliveryError, match="HTTP 400 ValidationException") as caught:
                session_of(api, 1, http=ready).flush()
        assert [item.outcome for item in caught.value.undelivered] == ["refused"]
        assert len(api.received) == 2

    @pytest.mark.parametrize("fails", [requests.HTTPError("mine"), RuntimeError("a bug"), None], ids=repr)
    def test_a_hook_that_fails_does_not_change_what_the_api_answered(self, fails, session_of, caplog):
        def hook(response, *_args, **_kwargs):
            response.close()
            if fails is not None:
                raise fails
            return "no response"

        with ScriptedAPI() as api, requests.Session() as ready:
            ready.hooks["response"].append(hook)
            session_of(api, 1, http=ready, retry_budget=0).flush()
        assert len(api.received) == 1
        assert ("a hook of the given requests.Session failed" in caplog.text) == (fails is not None)

    def test_closing_the_client_leaves_it_open(self, session_of):
        with ScriptedAPI() as api, requests.Session() as ready:
            session = session_of(api, 1, http=ready)
            session.flush()
            session.client.close()
            ready.post(f"{api.url}/events", json={}, headers={"x-britecore-job-id": "job-1"})
        assert api.connections == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("is_ready", [False, True])
def test_a_forked_child_uses_connections_of_its_own(client_of, is_ready):
    with ScriptedAPI() as api, requests.Session() as ready:
        client = client_of(api, auth=lambda: "token", **({"http": ready} if is_ready else {}))

        def work(number):
            session = client.service_session("job-1")
            session.created_test({"id": number})
            session.flush()

        work(1)
        child = multiprocessing.get_context("fork").Process(target=work, args=(2,))
        child.start()
        child.join(30)
        work(3)
        assert child.exitcode == 0
    assert api.ids == [[1], [2], [3]]
    assert [request.connection for request in api.received] == [0, 1, 0]
