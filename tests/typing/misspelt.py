"""Names of the library that do not exist, and their neighbours that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bc_events
from bc_events import local, outbox, testing

if TYPE_CHECKING:
    from bc_events import DeliveryError, EventClient


def names_that_exist_are_found(error: DeliveryError, client: EventClient) -> None:
    print(error.undelivered, error.requests, error.sent, client.api_url, client.default_category)
    print(outbox.Relay, outbox.SQLiteOutbox, testing.capture_events, local.LocalEventsAPI, bc_events.TopicTable)


def imports_that_do_not_exist_are_refused() -> None:
    from bc_events import EventClinet  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from bc_events.local import LocalApi  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from bc_events.outbox import Realy  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from bc_events.testing import capture_event  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    from bc_events.topics import TopicTabel  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

    print(EventClinet, LocalApi, Realy, capture_event, TopicTabel)


def names_that_do_not_exist_are_refused(error: DeliveryError, client: EventClient) -> None:
    print(error.undeliverd)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(client.api_ulr)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(outbox.SqliteOutbox)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(testing.capture_event)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(local.LocalEventAPI)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(bc_events.Eventclient)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
