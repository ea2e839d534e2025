"""A real Celery worker whose pool is of greenlets, where all tasks share one thread."""

import json

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI

from .conftest import TOPICS
from .processes import processes

TASKS = 40
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def test_tasks_on_greenlets_keep_to_their_own_jobs_and_actors(tmp_path, monkeypatch):
    (tmp_path / "topics.json").write_text(json.dumps(TOPICS))
    (tmp_path / "broker").mkdir()
    monkeypatch.setenv("BROKER_FOLDER", str(tmp_path / "broker"))
    from .green import app, work

    client = EventClient(None, "PolicyService", TOPICS)
    for number in range(TASKS):
        with events.user_context(f"user-{number}", f"job-{number}", client=client):
            work.delay(number)
    app.close()
    with LocalEventsAPI() as api, processes(tmp_path) as run:
        run(
            *("worker", "celery", "-A", "tests.integrations.green", "worker", "-P", "gevent", "-c", "10", *QUIET),
            BC_EVENTS_API_URL=api.url,
            BC_EVENTS_SERVICE_NAME="PolicyService",
            BC_EVENTS_TOPICS=str(tmp_path / "topics.json"),
        )
        good = [number for number in range(TASKS) if number % 4]
        api.wait(count=2 * len(good), timeout=60)
        found = sorted((event.data["number"], event.entity, event.job_id, event.actor.id) for event in api.events())
    assert found == [
        (number, entity, f"job-{number}", f"user-{number}") for number in good for entity in ("Other", "Test")
    ]
