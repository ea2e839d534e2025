"""Units of work are numbered, so that log lines of one can be told from those of another."""

import pytest

from bc_events import EventClient, events

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Test", "Schema": {"type": "object"}}],
}


@pytest.fixture
def client():
    with EventClient(None, "PolicyService", TOPICS) as client:
        yield client


def test_a_scope_that_joins_has_the_number_of_the_outermost(client):
    with events.session("job-1", client=client) as outer, events.user_context("user-one") as inner:
        assert inner.unit.pending.number == outer.unit.pending.number


def test_two_units_of_one_job_have_two_numbers(client):
    with events.session("job-1", client=client) as one:
        pass
    with events.session("job-1", client=client) as two:
        assert one.unit.pending.number != two.unit.pending.number
