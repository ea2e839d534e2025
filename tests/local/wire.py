"""Raw requests to a local Events API, as any client might send them."""

from __future__ import annotations

from typing import Any

import requests

from bc_events.local import LocalEventsAPI

USER = {"id": "cognito-1", "type": "user"}


def envelope(**changes: Any) -> dict[str, Any]:
    whole = {"action": "Created", "category": "policies", "entity": "Policy", "data": {"id": 1}, "actor": USER}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def post(
    api: LocalEventsAPI, body: Any, *, job: str | None = "job-1", key: str | None = None, **headers: str
) -> requests.Response:
    """One POST: bytes as they are to /events (bulk where they begin a list), anything else as JSON."""
    path = "/events/bulk/" if isinstance(body, list) or (isinstance(body, bytes) and body[:1] == b"[") else "/events"
    given = {"x-britecore-job-id": job, "Idempotency-Key": key, **headers}
    kind = {"data": body} if isinstance(body, bytes) else {"json": body}
    return requests.post(
        api.url + path, headers={name: value for name, value in given.items() if value}, timeout=10, **kind
    )


def ask(api: LocalEventsAPI, method: str, path: str, **arguments: Any) -> requests.Response:
    return requests.request(method, api.url + path, timeout=10, **arguments)
