"""FastAPI: accepts a quote, and has the policy made by another service."""

import os

import fastapi
import requests

from bc_events import events
from bc_events.integrations.asgi import EventsMiddleware
from bc_events.integrations.requests import install

POLICIES = os.environ["POLICIES_URL"]

app = fastapi.FastAPI()
app.add_middleware(EventsMiddleware)
policies = install(requests.Session(), hosts=["127.0.0.1"])


@app.post("/accept")
def accept(fails: bool):
    with events.user_context("customer-1"):
        events.accepted_quote({"number": 1})
        answer = policies.post(f"{POLICIES}/policies", params={"fails": fails}, timeout=20)
    answer.raise_for_status()
    return {"job": events.current_job_id()}
