"""The arguments of a client, also if `events.configure` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from bc_events import EventClient, Topic, events

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests


def enriched(topic: Topic, data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**data, "source": topic.name}


def the_settings_of_a_client_are_accepted(http: requests.Session) -> None:
    assert_type(events.configure(api_url=None, service_name="Policies", topic_definitions="topics.yaml"), EventClient)
    events.configure(api_url="", service_name="Policies", topic_definitions={}, retry_budget=3, timeout=(1, 2.5))
    events.configure(api_url=None, service_name="Policies", topic_definitions={}, enrichers=[enriched], http=http)
    events.configure(api_url=None, service_name="Policies", topic_definitions={}, auth=lambda: "token", outbox="e.db")
    EventClient(None, "Policies", "topics.yaml", write_baggage=False, show_values=True, max_request_events=10)


def missing_settings_are_refused() -> None:
    events.configure()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    events.configure(api_url=None)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    EventClient(None, "Policies")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def other_settings_are_refused(client: EventClient) -> None:
    events.configure(client, retry_budget=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    events.configure(api_url=None, service_name="Policies", topic_definitions={}, retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # ty differs
    events.configure(api_url=None, service_name="Policies", topic_definitions=[])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    events.configure(api_url=None, service_name="Policies", topic_definitions={}, timeout=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    EventClient(None, "Policies", {}, retries=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    EventClient(None, "Policies", {}, timeout="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    EventClient(None, "Policies", {}, enrichers=[print])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    EventClient(None, "Policies", {}, auth="token")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
