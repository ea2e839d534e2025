"""Django accepts the same values from outside as every other entry point."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from bc_events import events
from tests.outside_values import ARRIVALS


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda arrival: arrival.name)
def test_each_header_is_believed_as_anywhere_else(client, serve, settings, delivery, arrival):
    settings.BC_EVENTS = {**settings.BC_EVENTS, "BORDER": "bc_events.propagation.BROKER"}
    serve(lambda request: HttpResponse(events.created_policy({"id": 1})))
    client.get("/", headers=arrival.joined())
    [event] = delivery.sent
    assert arrival.is_met_by(event)
