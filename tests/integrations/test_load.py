"""Many requests at once, some of which fail and some of whose clients leave, on real servers in their own processes."""

import asyncio
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest

from bc_events.local import LocalEventsAPI

from .conftest import TOPICS
from .load import OUTCOMES
from .processes import listening, processes

REQUESTS = 100
SUCCESSES = [number for number in range(REQUESTS) if OUTCOMES[number % 4].startswith("ok")]
SERVERS = {
    "uvicorn": ("uvicorn", "tests.integrations.load.by_asgi:app", "--fd", "{fd}"),
    "gunicorn": (
        *("gunicorn", "tests.integrations.load.by_wsgi:app", "--bind", "fd://{fd}", "--workers", "2", "--threads", "8"),
        "--no-control-socket",
    ),
}


async def ask(port, number):
    """One in five clients leaves without an answer. Returns the status of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /{number} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-britecore-job-id: job-{number}\r\n"
        f"x-actor: user-{number}\r\nx-actor-type: user\r\n\r\n".encode()
    )
    await writer.drain()
    status = None if number % 5 == 0 else int((await reader.readline()).split()[1])
    writer.close()
    return status


async def ask_all(port):
    return await asyncio.gather(*(ask(port, number) for number in range(REQUESTS)))


@pytest.mark.parametrize("server", SERVERS)
def test_each_successful_request_delivers_its_own_events_and_no_other_does(tmp_path, server):
    topics = tmp_path / "topics.json"
    topics.write_text(json.dumps(TOPICS))
    with LocalEventsAPI() as api:
        settings = {"BC_EVENTS_API_URL": api.url, "BC_EVENTS_SERVICE_NAME": "PolicyService"}
        with listening() as (listener, url), processes(tmp_path) as run:
            run(server, *SERVERS[server], listener=listener, **settings, BC_EVENTS_TOPICS=str(topics))
            statuses = asyncio.run(ask_all(urlsplit(url).port))
            api.wait(count=2 * len(SUCCESSES), timeout=60)
        found = Counter((event.data["number"], event.job_id, event.actor.id, event.entity) for event in api.events())
    assert found == Counter(
        (number, f"job-{number}", f"user-{number}", entity) for number in SUCCESSES for entity in ("Test", "Other")
    )
    assert Counter(statuses) == {None: 20, 200: 40, 500: 20, 409: 20}
