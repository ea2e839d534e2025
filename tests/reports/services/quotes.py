"""A service: `POST /accept/<quote>` accepts a quote, and asks the service at the URL given to it for a policy."""

import sys

import requests

from bc_events import events
from bc_events.integrations.requests import install
from tests.reports.services.serving import serve

POLICIES = sys.argv[1]
http = install(requests.Session(), hosts=[POLICIES.removeprefix("http://")])


def accept(quote):
    events.accepted_quote({"quote": quote})
    http.post(f"{POLICIES}/issue/{quote}", timeout=30).raise_for_status()
    return events.current_job_id()


if __name__ == "__main__":
    serve(accept)
