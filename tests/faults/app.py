"""A web service that publishes one event for each request; and what it publishes before its server forks."""

from __future__ import annotations

import os

from bc_events import EventClient, events
from bc_events.outbox import SQLiteOutbox
from tests.faults.actors import TOPICS
from tests.faults.relay_settings import TIMEOUT, quick

_outbox = SQLiteOutbox(os.environ["FAULTS_FILE"], settings=quick())
client = EventClient(os.environ["FAULTS_API"], "FaultsService", TOPICS, outbox=_outbox, timeout=TIMEOUT)


def publish(key: str) -> None:
    with events.session(client=client):
        events.happened_work({"key": key, "process": os.getpid()})


def application(environ, start_response):
    publish(environ["PATH_INFO"].removeprefix("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"published"]


if os.environ.get("FAULTS_BEFORE_FORK"):
    publish(os.environ["FAULTS_BEFORE_FORK"])
