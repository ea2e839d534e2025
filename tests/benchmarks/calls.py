"""The cost of one magic call, beside the least that any library could do: check, serialise, find the session."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import jsonschema_rs
import orjson

from bc_events import EventClient, events

from .rounds import ratio, seconds

EVENTS = 200
SESSIONS = 10
DATA = {
    "id": "018f3c1e-7c1a-7b43-8a53-0f4b6f6d7a10",
    "number": "HO-1000234",
    "status": "active",
    "premium": 1250.75,
    "term_months": 12,
    "is_renewal": False,
    "effective": "2026-01-01",
    "url": "https://policies.example.com/HO-1000234",
}
SCHEMA = {
    "type": "object",
    "required": list(DATA),
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        "status": {"enum": ["active", "cancelled"]},
        "premium": {"type": "number", "minimum": 0},
        "term_months": {"type": "integer"},
        "is_renewal": {"type": "boolean"},
        "effective": {"type": "string", "format": "date"},
        "url": {"type": "string", "format": "uri"},
    },
}
TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [{"Action": "Created", "Entity": "Policy", "Description": "A policy was created", "Schema": SCHEMA}],
}


class Nowhere:
    """A delivery that takes no time."""

    record = None
    runner = None

    def discard(self, events: object) -> None: ...
    def send(self, events: object) -> None: ...
    def close(self) -> None: ...


def client() -> EventClient:
    return EventClient(None, "PolicyService", TOPICS, delivery=Nowhere())


def magic_call() -> float:
    """The time of sessions of 200 magic calls, divided by the least time that as many events could take."""
    validator = jsonschema_rs.validator_for(SCHEMA, validate_formats=True, ignore_unknown_formats=True)
    ambient: ContextVar[object] = ContextVar("ambient", default=None)
    ours = client()

    def floor() -> None:
        for _ in range(SESSIONS * EVENTS):
            validator.validate(DATA)
            orjson.dumps(DATA)
            ambient.get()

    def calls() -> None:
        for _ in range(SESSIONS):
            with events.session(client=ours):
                for _ in range(EVENTS):
                    events.created_policy(DATA)

    return ratio(seconds({"calls": calls, "floor": floor}, rounds=40), "calls", "floor")


def locked_call() -> float:
    """The time of the same calls, each with a lock that no other thread asks for, divided by that of calls without one.

    It is what a lock in place of the seal would cost each publish call (`bc_events/_unit/pending.py`). Below 1.05 the
    seal is not worth its explanation.
    """
    ours = client()
    lock = threading.RLock()

    def calls() -> None:
        with events.session(client=ours):
            for _ in range(EVENTS):
                events.created_policy(DATA)

    def locked() -> None:
        with events.session(client=ours):
            for _ in range(EVENTS):
                with lock:
                    events.created_policy(DATA)

    return ratio(seconds({"calls": calls, "locked": locked}, rounds=200), "locked", "calls")
