"""Where no local Events API can be, nothing is reported: no byte, no thread, nothing on the path of an event."""

import os
import subprocess
import sys

import pytest

from bc_events import ConfigurationError, EventClient
from bc_events._config import following
from bc_events._delivery import networks
from bc_events._unit.unit_of_work import UnitOfWork
from tests.conftest import TOPICS

PRODUCTION = ["https://api.example.com", "http://10.0.0.1", "https://127.0.0.1:8026", "log:", "", None]
PROGRAM = f"""
import sys, threading
connects = []
sys.addaudithook(lambda name, arguments: connects.append(arguments[1]) if name == "socket.connect" else None)
from bc_events import DeliveryError, EventClient, events
client = EventClient(sys.argv[1], "TestService", {TOPICS!r}, retry_budget=0)
try:
    with events.session("job-1", client=client) as session:
        events.created_test({{"id": 1}})
        with events.session():
            events.created_test({{"id": 2}})
        session.rollback()
        kind = type(session.unit).__name__
        events.created_test({{"id": 3}})
        raise KeyError
except KeyError:
    pass
names = [one.name for one in threading.enumerate()]
loaded = sorted(name for name in sys.modules if name.startswith("bc_events._reports") or name == "http.client")
print(kind, names, connects, loaded)
"""


def run(url, **environment):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **environment},
    ).stdout.strip()


@pytest.mark.parametrize("url", ["https://api.example.com", "http://10.0.0.1", "log:"])
def test_another_url_means_no_byte_no_thread_and_no_module(url):
    assert run(url) == "UnitOfWork ['MainThread'] [] []"


def test_it_can_be_switched_off(api):
    assert run(api.url, BC_EVENTS_REPORTS="off") == "UnitOfWork ['MainThread'] [] []"
    assert run(api.url).startswith("FollowedUnit ['MainThread', 'bc-events-reports']")


def test_another_word_for_the_switch_is_refused(monkeypatch):
    monkeypatch.setattr(networks, "is_test_run", False)
    monkeypatch.setenv("BC_EVENTS_REPORTS", "no")
    with pytest.raises(ConfigurationError, match="BC_EVENTS_REPORTS is no; set it to off, or do not set it"):
        EventClient("http://127.0.0.1:8026", "TestService", TOPICS)


@pytest.mark.parametrize("url", PRODUCTION)
def test_a_client_of_another_url_makes_plain_units(monkeypatch, url):
    monkeypatch.setattr(networks, "is_test_run", False)
    assert following.units_of(url) is UnitOfWork


@pytest.mark.parametrize("url", ["http://127.0.0.1:8026", "http://localhost", "http://[::1]:1", "http://127.1/api"])
def test_a_client_of_a_loopback_url_makes_units_that_report(monkeypatch, url):
    monkeypatch.setattr(networks, "is_test_run", False)
    assert following.units_of(url) is not UnitOfWork


def test_under_pytest_a_client_reports_nothing():
    """A server that a test has started would see requests that it does not expect."""
    assert following.units_of("http://127.0.0.1:8026") is UnitOfWork


def test_while_a_test_answers_in_place_of_the_network_units_are_plain(api, reporting):
    client = reporting(api)
    answer = networks.closed
    networks.connect(stand_in := lambda request: answer(request))
    try:
        assert type(client.service_session("job-1").unit) is UnitOfWork
    finally:
        networks.disconnect(stand_in)
