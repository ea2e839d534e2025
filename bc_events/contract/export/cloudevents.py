"""Topics as examples of CloudEvents 1.0 in JSON (github.com/cloudevents/spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from .example_data import example_data

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable

_TIME: Final = "2024-02-03T04:05:06Z"


def cloudevents(table: TopicTable, source: str) -> list[dict[str, Any]]:
    """An example of each topic, always the same. `source` is the URI reference of the service."""
    return [
        {
            "specversion": "1.0",
            "id": str(uuid5(NAMESPACE_URL, topic.name)),
            "source": source,
            "type": topic.name,
            "time": _TIME,
            "datacontenttype": "application/json",
            "data": data,
        }
        for topic in table.values()
        if (data := example_data(topic)) is not None
    ]
