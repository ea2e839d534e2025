"""Real input that nobody here wrote: 67 topics and 127 recorded events of GitHub's webhooks."""

import json
import re
from pathlib import Path

import pytest

from bc_events import EventClient, InvalidEventError, TopicTable, events

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "github-webhooks"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent here; it is kept beside the repository")


@pytest.fixture(scope="module")
def table():
    return TopicTable.read(DATA / "topics.yaml")


@pytest.fixture(scope="module")
def recorded():
    return [json.loads(line) for line in (DATA / "events.jsonl").read_text().splitlines()]


def magic_name(record):
    words = [record["action"], *re.findall("[A-Z][a-z]+", record["entity"])]
    return "_".join(words).lower()


def test_every_topic_loads(table):
    assert len(table) == 67


def test_valid_events_arrive_equal_and_in_order_and_the_others_are_refused_at_the_call(table, recorded):
    from bc_events.local import LocalEventsAPI

    refused = []
    with LocalEventsAPI(port=0) as api, EventClient(api.url, "WebhookService", table) as client:
        for start in range(0, len(recorded), 50):
            with events.session(f"job-{start}", client=client):
                for record in recorded[start : start + 50]:
                    try:
                        getattr(events, magic_name(record))(record["data"])
                    except InvalidEventError as error:
                        refused.append((record, error.violations))
        arrived = [(one.action, one.entity, one.data) for one in api.events()]
    assert arrived == [(one["action"], one["entity"], one["data"]) for one in recorded if one["valid"]]
    assert [record for record, _ in refused] == [record for record in recorded if not record["valid"]]
    assert (len(arrived), len(refused)) == (110, 17)
    assert all(violations for _, violations in refused)
    assert {violation.path for _, violations in refused for violation in violations} > {""}
