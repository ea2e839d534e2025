"""The OpenAPI document has the calls that the server has. `openapi_check.py` tries them with schemathesis."""

from bc_events.local.openapi import openapi

from .wire import ask, envelope, post


def test_every_call_is_documented(local_events_api):
    listed = ask(local_events_api, "GET", "/api/nowhere").json()["error"].partition("there are ")[2]
    served = {tuple(call.replace(":path}", "}").split()) for call in listed.split(", ")}
    documented = {
        (method.upper(), path) for path, calls in openapi()["paths"].items() for method in calls if "/api/" in path
    }
    assert documented == served


def test_another_method_is_told_which_there_are(local_events_api):
    answer = ask(local_events_api, "PATCH", "/api/events")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD")
    assert post(local_events_api, envelope()).status_code == 201
