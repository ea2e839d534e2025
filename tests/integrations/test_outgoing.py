"""Outgoing calls, with real requests, httpx and httpx2 against a real server that tells what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import httpx2
import pytest
import requests
from opentelemetry.sdk.trace import TracerProvider

from bc_events import ConfigurationError, events
from bc_events.integrations import httpx as events_httpx, requests as events_requests
from bc_events.integrations._hosts import AllowedHosts
from bc_events.propagation import BROKER, HTTP

JOB, ACTOR = "x-britecore-job-id", "x-britecore-actor-id"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it got; `/to/URL` redirects there."""

    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def by_requests(url, *, hosts=("127.0.0.1",), headers=None, **settings):
    with events_requests.install(requests.Session(), hosts=hosts, **settings) as session:
        return session.get(url, headers=headers).json()


def by_httpx(url, *, hosts=("127.0.0.1",), headers=None, **settings):
    with events_httpx.install(httpx.Client(follow_redirects=True), hosts=hosts, **settings) as client:
        return client.get(url, headers=headers).json()


def by_httpx2(url, *, hosts=("127.0.0.1",), headers=None, **settings):
    with events_httpx.install(httpx2.Client(follow_redirects=True), hosts=hosts, **settings) as client:
        return client.get(url, headers=headers).json()


@pytest.fixture(params=[by_requests, by_httpx, by_httpx2])
def get(request):
    return request.param


def test_calls_to_allowed_hosts_carry_the_job_and_its_baggage(get, client, port):
    with events.user_context("user-one", "job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/")
    assert (sent[JOB], sent["baggage"]) == ("job-1", "bc-job-id=job-1")
    assert ACTOR not in sent


def test_calls_carry_the_trace(get, client, port):
    with TracerProvider().get_tracer("tests").start_as_current_span("call") as span:
        trace = f"{span.get_span_context().trace_id:032x}"
        assert trace in get(f"http://127.0.0.1:{port}/")["traceparent"]


def test_calls_to_other_hosts_carry_nothing(get, client, port):
    with events.session("job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/", hosts=["policies.internal"])
    assert not {JOB, "baggage", "traceparent"} & set(sent)


def test_calls_outside_of_a_session_carry_nothing(get, port):
    assert JOB not in get(f"http://127.0.0.1:{port}/")


def test_a_redirect_to_another_host_carries_nothing_there(get, client, port):
    """The libraries copy headers from one hop to the next."""
    with events.session("job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/to/http://localhost:{port}/")
    assert sent["host"] == f"localhost:{port}"
    assert not {JOB, "baggage"} & set(sent)


def test_a_redirect_to_an_allowed_host_carries_the_job_there(get, client, port):
    with events.session("job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/to/http://localhost:{port}/", hosts=["localhost"])
        again = get(f"http://127.0.0.1:{port}/to/http://localhost:{port}/", hosts=["127.0.0.1", "localhost"])
    assert (sent[JOB], again[JOB]) == ("job-1", "job-1")


def test_a_header_that_the_caller_sets_stays(get, client, port):
    with events.session("job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/", headers={"X-BriteCore-Job-Id": "job-2"})
    assert sent[JOB] == "job-2"


def test_the_actor_travels_where_the_border_says_so(get, client, port):
    with events.user_context("user-one", "job-1", client=client):
        sent = get(f"http://127.0.0.1:{port}/", border=BROKER)
    assert (sent[ACTOR], sent["x-britecore-actor-type"]) == ("user-one", "user")


@pytest.mark.anyio
@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_async_clients_carry_the_job(library, client, port, anyio_backend):
    async with (
        events.session("job-1", client=client),
        events_httpx.install(library.AsyncClient(), hosts=["127.0.0.1"]) as http,
    ):
        assert (await http.get(f"http://127.0.0.1:{port}/")).json()[JOB] == "job-1"


def test_an_adapter_that_was_mounted_stays(client, port):
    """One with retries or certificates of its own."""
    session = requests.Session()
    calls = []

    class Counting(requests.adapters.HTTPAdapter):
        def send(self, request, *args, **kwargs):
            calls.append(request.headers[JOB])
            return super().send(request, *args, **kwargs)

    session.mount("http://127.0.0.1", Counting())
    with events_requests.install(session, hosts=["127.0.0.1"]), events.session("job-1", client=client):
        session.get(f"http://127.0.0.1:{port}/")
    assert calls == ["job-1"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://policies.internal/path", True),
        ("https://POLICIES.internal/", True),
        ("https://policies.internal.evil.example/", False),
        ("https://policies.internal@evil.example/", False),
        ("https://evil.example/policies.internal", False),
        ("https://a.b.example/", True),
        ("https://b.example/", False),
        ("https://evilb.example/", False),
        ("http://localhost:8000/", True),
        ("http://localhost:8001/", False),
        ("http://[::1]:80/", True),
        ("not a url", False),
    ],
)
def test_hosts_are_allowed_by_name_alone(url, allowed):
    hosts = AllowedHosts(["policies.internal", "*.b.example", "localhost:8000", "[::1]"], HTTP)
    assert hosts.allow(url) is allowed


PATTERNS = ["api.*.internal", "policies*.internal", "*internal", ".internal", "*.", "*.*.internal", "a..internal"]
TEXTS = [
    "a.internal,b.internal",
    " a.internal",
    "a.internal ",
    "a.internal?x",
    "a.internal#x",
    "http:",
    "bücher.example",
]


@pytest.mark.parametrize("host", PATTERNS + TEXTS)
def test_a_host_that_no_url_has_is_refused(host):
    """Calls carried nothing then, without a word."""
    with pytest.raises(ConfigurationError, match="is not a host name"):
        AllowedHosts([host], HTTP)


@pytest.mark.parametrize("hosts", ["policies.internal", [], ["*"], ["https://policies.internal"], ["a@b"], [""]])
def test_hosts_that_are_none_or_all_are_refused(hosts):
    with pytest.raises(ConfigurationError, match="such as"):
        AllowedHosts(hosts, HTTP)
