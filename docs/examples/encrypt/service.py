"""A service that publishes an event."""

from client import client

from bc_events import events

with events.session("renewal-1", client=client):
    events.created_policy({"id": "POL-1", "holder": "Jane Doe"})
