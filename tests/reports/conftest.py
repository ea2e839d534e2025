"""Clients that report to a local Events API, as they do outside pytest."""

import pytest

from bc_events import EventClient
from bc_events._reports import channels
from bc_events._reports.channels import channel_to
from bc_events._reports.following import Following
from bc_events.local import LocalEventsAPI
from tests.conftest import TOPICS


@pytest.fixture(autouse=True)
def stopped_channels():
    """A channel is one for the process; other tests have none."""
    yield
    for channel in list(channels._channels.values()):
        channel.stop()
    channels._channels.clear()


@pytest.fixture
def api():
    with LocalEventsAPI() as api:
        yield api


@pytest.fixture
def reporting(client_of):
    """Makes clients that report."""

    def reporting(api, **settings):
        return follow(client_of(api, **settings))

    return reporting


def follow(client):
    client.open_unit = Following(client.api_url)
    return client


def line_of(api, job_id="job-1"):
    """The line of a job, after every report has gone out."""
    assert channel_to(api.url).wait_until_idle(30)
    return api.job(job_id)


def states(line):
    return [event.state for event in line.events]


def service(api, name="TestService", **settings):
    return follow(EventClient(api.url, name, TOPICS, **settings))
