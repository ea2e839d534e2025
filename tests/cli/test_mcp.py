"""`bc-events mcp` gives an agent tools; the SDK's own client drives them."""

import asyncio
import sys

import pytest
from mcp import Client, StdioServerParameters

from tests.local.wire import envelope, post


def call(api, *calls):
    """The results of the calls, each a name and its arguments."""

    async def conversation():
        url = getattr(api, "url", api)
        parameters = StdioServerParameters(command=sys.executable, args=["-m", "bc_events", "mcp", "--api-url", url])
        async with Client(parameters) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(conversation())


def test_events_are_searched_waited_for_and_published(local_events_api):
    for number in range(3):
        post(local_events_api, envelope(data={"id": number}))
    publish = {"topic": "policies.QuoteLineCreated", "data": {"id": 7}, "job": "job-7"}
    found, published, waited, late, topics = call(
        local_events_api,
        ("search_events", {"query": "topic:policies.PolicyCreated", "limit": 2}),
        ("publish", publish),
        ("wait_for_events", {"query": "job:job-7", "timeout": 5}),
        ("wait_for_events", {"query": "job:nothing", "timeout": 0}),
        ("topics", {}),
    )
    assert [event["data"]["id"] for event in found.structured_content["events"]] == [2, 1]
    assert published.structured_content["jobId"] == "job-7"
    (event,) = waited.structured_content["events"]
    assert (event["entity"], event["action"], event["data"]) == ("QuoteLine", "Created", {"id": 7})
    assert late.structured_content["events"] == []
    assert {one["topic"] for one in topics.structured_content["topics"]} == {
        "policies.PolicyCreated",
        "policies.QuoteLineCreated",
    }


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("job_line", {"job": "nothing"}, "nothing came for a job with this id"),
        ("search_events", {"query": "colour:red"}, "there is no field colour"),
        ("publish", {"topic": "Policy", "data": {"id": 1}, "job": "job-1"}, "policies.PolicyCreated"),
        ("publish", {"topic": "a.BCreated", "data": {}, "job": "job-1"}, "topic is not of the form"),
        ("publish", {"topic": "policies.PolicyCreated", "data": {}, "job": "job-1"}, "/data"),
    ],
)
def test_what_is_refused_says_why(local_events_api, name, arguments, why):
    (result,) = call(local_events_api, (name, arguments))
    assert result.is_error
    assert why in result.content[0].text


def test_without_a_local_events_api_it_says_how_to_start_one():
    (result,) = call("http://127.0.0.1:1", ("topics", {}))
    assert result.is_error
    assert "bc-events serve" in result.content[0].text
