"""A service whose events stay in memory, and the shortest ways to publish and to look at them."""

import threading

from bc_events import DeliveryError, EventClient, events
from bc_events.errors import Undelivered

TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [
        {
            "Action": "Made",
            "Entity": "Note",
            "Schema": {
                "type": "object",
                "properties": {"n": {"type": "integer"}, "id": {"type": "string", "format": "uuid"}},
            },
        }
    ],
}


class Recording:
    """A Delivery that keeps what it is sent. `is_down` makes it fail; `on_send` is called before anything else."""

    record = None
    runner = None

    def __init__(self):
        self.batches = []
        self.discarded = []
        self.is_down = False
        self.on_send = None
        self._lock = threading.Lock()

    def discard(self, dropped):
        with self._lock:
            self.discarded += dropped

    def send(self, batch):
        if self.on_send is not None:
            self.on_send()
        if self.is_down:
            raise DeliveryError([Undelivered(event, "the API is down", "unsent") for event in batch])
        with self._lock:
            self.batches.append(list(batch))

    def close(self):
        """Nothing is open."""

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]

    @property
    def numbers(self):
        """The numbers that `say` published, in order of arrival."""
        return [event.data["n"] for event in self.events]

    @property
    def jobs(self):
        return [event.job_id for event in self.events]

    @property
    def actors(self):
        return [event.actor.id for event in self.events]


def recording_client(recording, service_name="PolicyService", **settings):
    return EventClient(None, service_name, TOPICS, delivery=recording, **settings)


def say(n):
    """Publishes one event that can be told from others."""
    return events.made_note({"n": n})
