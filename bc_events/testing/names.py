"""Names of events as tests write them. A name of no topic is an error."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bc_events._ambient import default_client
from bc_events._runtime import argument_checks as check
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.errors import ConfigurationError, UnknownTopicError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bc_events.event import Event
    from bc_events.topics.table import TopicTable


def answers_to(event: Event, name: str) -> bool:
    """Whether it is `testing.TestCreated`, `created_test` or `test_created`."""
    return name == event.topic.name or name in event.topic.magic_names


def check_name(name: str, events: Iterable[Event]) -> None:
    """Raises `UnknownTopicError` where no known topic has the name: a misspelt name must not prove an absence."""
    check.instance("name", name, str, example="the name of a topic or a magic name as text")
    unknown: UnknownTopicError | None = None
    for table in _tables(events):
        if name in table or name in table.magic_names:
            return
        try:
            table.resolve(name)
        except UnknownTopicError as error:
            unknown = error
    if unknown is not None:
        raise unknown


def _tables(events: Iterable[Event]) -> set[TopicTable]:
    """The tables of the default client and of all clients that have published."""
    tables = {event.origin.client.topic_table for event in events if isinstance(event.origin, UnitOfWork)}
    with suppress(ConfigurationError):
        tables.add(default_client.default_client().topic_table)
    return tables
