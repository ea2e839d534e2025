"""An address other than loopback needs a token, and forged hosts and origins come to nothing."""

import pytest
import requests

from bc_events import ConfigurationError, EventClient, events
from bc_events.local import LocalEventsAPI

from .wire import ask, envelope, post

TOKEN = "a-token-of-a-test"


@pytest.fixture(scope="module")
def guarded():
    with LocalEventsAPI(host="0.0.0.0", token=TOKEN, allowed_hosts=["events"]) as api:
        yield api


@pytest.fixture
def bare(guarded):
    """Its URL without the token."""
    return guarded.url.removesuffix(f"/{TOKEN}")


PATHS = ["/", "/page.css", "/readyz", "/events", "/api/events", "/api/events.jsonl", "/openapi.json", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}, {"Cookie": "bc_events_token=another"}])
def test_without_its_token_nothing_is_answered(bare, path, headers):
    answer = requests.get(bare + path, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert "needs its token" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/another", "/another/", f"/{TOKEN}x/readyz", "/events/bulk/"])
def test_another_token_in_the_path_is_none(bare, path):
    assert requests.get(bare + path, timeout=10).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer {TOKEN}"},
        {"Cookie": f"bc_events_token={TOKEN}"},
    ],
)
def test_with_its_token_everything_is_answered(bare, headers):
    assert requests.get(f"{bare}/readyz", headers=headers, timeout=10).json() == {"status": "ready"}


def test_a_client_needs_nothing_but_the_url(guarded):
    topics = {"DefaultCategory": "a", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}
    with EventClient(guarded.url, "TestService", topics) as client, events.session("job-1", client=client):
        events.created_test({"id": 1})
    assert guarded.latest("job:job-1").topic == "a.TestCreated"


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/{TOKEN}/"])
def test_a_browser_keeps_the_token_as_a_cookie(bare, path):
    with requests.Session() as browser:
        page = browser.get(bare + path, headers={"Accept": "text/html"}, timeout=10)
        assert (page.status_code, page.url) == (200, f"{bare}/")
        assert browser.get(f"{bare}/page.css", timeout=10).status_code == 200
        [cookie] = browser.cookies
        assert (cookie.value, cookie.has_nonstandard_attr("HttpOnly")) == (TOKEN, True)
        assert cookie.get_nonstandard_attr("SameSite").lower() == "strict"


def test_the_token_does_not_open_the_door_to_other_hosts_and_origins(guarded):
    assert ask(guarded, "GET", "/readyz", headers={"Host": "evil.example"}).status_code == 400
    assert ask(guarded, "GET", "/readyz", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_name_that_was_allowed_is_answered_to(guarded):
    assert ask(guarded, "GET", "/readyz", headers={"Host": "events:8026"}).status_code == 200
    assert ask(guarded, "GET", "/readyz", headers={"Host": "EVENTS", "Origin": "http://EVENTS"}).status_code == 200


def test_each_start_has_a_token_of_its_own():
    apis = [LocalEventsAPI(8026, host="0.0.0.0") for _ in range(2)]
    assert len({api.url for api in apis}) == 2
    assert len(apis[0].url.rpartition("/")[2]) >= 32
    assert LocalEventsAPI(8026).url == "http://127.0.0.1:8026"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"token": "short"}, "give 16 to 200 letters"),
        ({"token": "with/slash/and more"}, "give 16 to 200 letters"),
        ({"allowed_hosts": ["events:8026"]}, "without a port"),
        ({"host": ""}, "host"),
        ({"forward": "ftp://x"}, "URL"),
        ({"replay_to": ["nowhere"]}, "URL"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, error):
    with pytest.raises(ConfigurationError, match=error):
        LocalEventsAPI(**settings)


def test_an_address_that_is_not_of_this_machine_is_named():
    with pytest.raises(ConfigurationError, match=r"of 192\.0\.2\.1 cannot be used"):
        LocalEventsAPI(host="192.0.2.1").start()


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/page.css/../../server.py", "/%2e%2e/%2e%2e/etc/passwd", "/page.css%00", "//etc/passwd"],
)
def test_no_path_leads_to_a_file(local_events_api, path):
    """Sent as they are: requests would tidy them up."""
    with requests.Session() as http:
        prepared = requests.Request("GET", local_events_api.url).prepare()
        prepared.url = local_events_api.url + path
        answer = http.send(prepared, timeout=10)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_an_event_is_as_safe_in_a_guarded_server(guarded):
    assert post(guarded, envelope()).status_code == 201
