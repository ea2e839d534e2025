"""A default client that a framework's settings describe, made when it is first needed."""

from __future__ import annotations

import pytest

from bc_events import EventClient, events
from bc_events._ambient import default_client

TOPICS = {"DefaultCategory": "testing", "Topics": []}


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(default_client, "_configured", None)
    monkeypatch.setattr(default_client, "_make", None)


def test_it_is_made_at_its_first_use_and_kept():
    made = []

    def make() -> EventClient:
        made.append(EventClient(None, "PolicyService", TOPICS))
        return made[-1]

    default_client.configure_later(make)
    assert made == []
    with events.session() as first, events.session("another-job") as second:
        assert first.client is second.client is made[0]
    assert len(made) == 1


def test_a_client_configured_by_hand_takes_its_place():
    default_client.configure_later(lambda: EventClient(None, "PolicyService", TOPICS))
    client = events.configure(EventClient(None, "BillingService", TOPICS))
    assert default_client.default_client() is client
