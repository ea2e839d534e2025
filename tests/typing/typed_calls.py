"""Calls of a generated module. `policy_events.py` is what `bc-events gen` makes of policies.yaml."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

from . import policy_events as events

if TYPE_CHECKING:
    from .policy_events import CreatedPolicy


def right_calls_are_accepted(day: datetime, rates: dict[str, float]) -> None:
    with events.session("job-1"):
        events.created_policy({"id": "a", "lines": [{"code": "x", "premium": 1.5}], "state": "active"})
        events.policy_created({"id": uuid4(), "lines": [], "state": "cancelled", "from": day, "payer": None})
        events.created_policy({"id": "a", "lines": [], "state": "active", "rates": rates, "tags": ["a"]})
        events.renewed_policy({"id": "a", "class": 1})
        events.sent_invoice({"email": "a@b.example"})
        events.invoice_sent({"letter": True})
        events.sent_reminder({"any": ["thing"]})
        events.current_session().created_policy({"id": "a", "lines": [], "state": "active"})
    data: CreatedPolicy = {"id": "a", "lines": [{"code": "x", "premium": Decimal("1.5")}], "state": "active"}
    data["from"] = datetime.now(UTC)
    data["holder"] = {"name": "Ada", "agent": {"name": "Bo"}}
    events.created_policy(data)


def wrong_calls_are_refused(data: CreatedPolicy) -> None:
    events.created_polcy(data)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    events.created_policy({"id": "a", "lines": []})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "active", "stat": 1})  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": 1, "lines": [], "state": "active"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "activ"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [{"code": "x"}], "state": "active"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [{"code": "x", "premium": "1"}], "state": "active"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": "abc", "state": "active"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": None, "lines": [], "state": "active"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "active", "holder": {"nme": "x"}})  # type: ignore[typeddict-item, typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "active", "holder": None})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "active", "tags": [1]})  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    events.created_policy({"id": "a", "lines": [], "state": "active", "rates": {"a": "1"}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    events.created_policy()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.created_policy(id="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.created_policy([data])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.sent_invoice({"letter": "yes"})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    events.renewed_policy({"id": "a", "clas": 1})  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
