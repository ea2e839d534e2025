"""The arguments of `EventClient` as one type, for functions that pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests
    from requests.auth import AuthBase

    from bc_events._delivery.delivery import Delivery, Outbox
    from bc_events.topics.definitions import Definitions
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

Enricher: TypeAlias = "Callable[[Topic, Mapping[str, Any]], Mapping[str, Any]]"


class ClientOptions(TypedDict, total=False):
    auth: AuthBase | Callable[[], str] | None
    timeout: tuple[float, float]
    retry_budget: float
    max_request_bytes: int
    max_request_events: int
    enrichers: Sequence[Enricher]
    http: requests.Session | None
    outbox: str | Outbox | None
    delivery: Delivery | None
    baggage_key: str
    write_baggage: bool
    show_values: bool
    on_invalid: Literal["raise", "log"]


class ClientSettings(ClientOptions, total=False):
    """A test compares them with the signature of `EventClient`."""

    api_url: str | None
    service_name: str
    topic_definitions: Definitions | TopicTable
