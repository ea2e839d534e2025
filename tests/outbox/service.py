"""The service of these tests: one topic, and how its events are told apart."""

from __future__ import annotations

import uuid

from tenacity import wait_none

from bc_events import EventClient, events
from bc_events._delivery.api import EventsAPI
from bc_events.outbox import RelaySettings
from bc_events.outbox._store.row import Row

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [{"Action": "Created", "Entity": "Thing", "Schema": {"type": "object"}}],
}
QUICK = RelaySettings(lease=60, poll=(0.005, 0.05), retry=wait_none(), pause=wait_none())


def client_of(url: str | None, outbox, service: str = "PolicyService", **options) -> EventClient:
    return EventClient(url, service, TOPICS, outbox=outbox, **options)


def api_of(url: str, timeout=(3.05, 10)) -> EventsAPI:
    return EventsAPI(url, auth=None, timeout=timeout, http=None)


def row(number: int, job: str = "job-1", **fields) -> Row:
    envelope = (
        '{"action":"Created","category":"testing","entity":"Thing",'
        f'"data":{{"number":{number}}},"actor":{{"id":"PolicyService","type":"service"}}}}'
    )
    values = {"id": uuid.uuid4(), "category": "testing", "job_id": job, "topic": "testing.ThingCreated"}
    return Row(**{**values, "payload": envelope, "created_at": 1.7e9 + number, "service": "PolicyService", **fields})


def numbers(received) -> list[int]:
    return [event.data["number"] for event in received]


def publish(client, *values: int, job: str = "job-1") -> None:
    with events.session(job, client=client):
        for number in values:
            events.created_thing({"number": number})
