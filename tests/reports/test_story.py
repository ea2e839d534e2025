"""A lost event: dropped by a savepoint two services away, behind a response of 503 after which it was sent again.

The services and the local Events API are processes, and speak HTTP.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from mcp import Client, StdioServerParameters

from bc_events.local.unsent_sections import link_to

TOPICS = Path(__file__).parent / "services" / "topics.yaml"


@contextmanager
def process(*command, **environment):
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "BC_EVENTS_TOPICS": str(TOPICS), **environment},
    ) as running:
        try:
            yield re.search(rb"http://127\.0\.0\.1:\d+", running.stdout.readline())[0].decode()
        finally:
            running.kill()


@pytest.fixture(scope="module")
def story():
    """The URL of the local Events API, and the job."""
    with ExitStack() as stack:
        api = stack.enter_context(process("bc_events", "serve", "--port", "0", "--topics", str(TOPICS)))
        running = {"BC_EVENTS_API_URL": api}
        policies = stack.enter_context(
            process("tests.reports.services.policies", **running, BC_EVENTS_SERVICE_NAME="PolicyService")
        )
        quotes = stack.enter_context(
            process("tests.reports.services.quotes", policies, **running, BC_EVENTS_SERVICE_NAME="QuoteService")
        )
        plan = {"faults": {"unavailable": {"count": 1, "retry_after": 0}}}
        requests.put(f"{api}/api/faults", json=plan, timeout=30).raise_for_status()
        response = requests.post(f"{quotes}/accept/q-1", timeout=30)
        assert response.status_code == 200
        yield api, response.text


def ask(url, path):
    return requests.get(url + path, timeout=30)


def line_of(url, job):
    """When all of it has been told."""
    deadline = time.monotonic() + 30
    while True:
        line = ask(url, f"/api/jobs/{job}").json()
        if all(one["ended"] for one in line["sessions"]) and line["counts"].get("arrived") == 2:
            return line
        assert time.monotonic() < deadline, line
        time.sleep(0.01)


def test_the_line_of_the_job_has_the_lost_event_with_its_reason(story):
    line = line_of(*story)
    shown = [(event["service"], event["topic"], event["state"], event["reason"]) for event in line["events"]]
    assert shown == [
        ("QuoteService", "quotes.QuoteAccepted", "arrived", ""),
        ("PolicyService", "policies.PolicyCreated", "arrived", ""),
        ("PolicyService", "policies.CommissionBooked", "rolled back", "the scope ended with KeyError"),
    ]
    lost = line["events"][-1]
    by = next(one for one in line["sessions"] if one["id"] == lost["rolledBackBy"])
    assert (by["service"], by["exception"]) == ("PolicyService", "KeyError")
    assert by["parent"] == line["events"][1]["session"]
    assert lost["data"] == {"agent": "unknown"}


def test_the_line_shows_the_503_and_the_same_key_after_it(story):
    first, second = line_of(*story)["events"][1]["requests"]
    assert (first["status"], second["status"], second["isRetry"]) == (503, 201, True)
    assert first["idempotencyKey"] == second["idempotencyKey"]


def test_the_page_of_the_job_shows_the_lost_event(story):
    url, job = story
    line_of(url, job)
    page = ask(url, f"/?q=job:{job}").text
    assert "policies.CommissionBooked" in page
    assert "the scope ended with KeyError" in page
    assert ask(url, f"/api/events?q=job:{job}").json()["matching"] == 2


def test_the_latest_that_was_not_sent_leads_to_the_job(story):
    url, job = story
    line_of(url, job)
    (unsent,) = ask(url, "/api/unsent").json()["unsent"]
    assert (unsent["job_id"], unsent["why"], unsent["topics"]) == (job, "rolled back", ["policies.CommissionBooked"])
    assert link_to("job", job) in ask(url, "/").text


def test_an_agent_finds_the_lost_event_in_two_calls(story):
    url, job = story
    line_of(url, job)

    async def conversation():
        parameters = StdioServerParameters(command=sys.executable, args=["-m", "bc_events", "mcp", "--api-url", url])
        async with Client(parameters) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            failed = (await client.call_tool("what_failed", {})).structured_content
            (unsent,) = failed["unsent"]
            line = (await client.call_tool("job_line", {"job": unsent["job_id"]})).structured_content
            return tools, unsent, line

    tools, unsent, line = asyncio.run(conversation())
    assert len(tools) <= 6
    assert unsent["topics"] == ["policies.CommissionBooked"]
    assert line["jobId"] == job
    assert line["events"][-1]["reason"] == "the scope ended with KeyError"
    assert [one["status"] for one in line["events"][1]["requests"]] == [503, 201]
