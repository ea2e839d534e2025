"""Topics as an AsyncAPI document, version 3.1 (asyncapi.com/docs/reference/specification/v3.1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .resource_key import resource_key

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

_OF_DRAFT: Final = "application/schema+json;version={}"
_DRAFTS: Final = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")
_DEFAULT_DRAFT: Final = "2020-12"


def asyncapi(table: TopicTable, title: str, version: str) -> dict[str, Any]:
    """A channel, a message and a sending operation for each topic."""
    topics = table.values()
    return {
        "asyncapi": "3.1.0",
        "info": {"title": title, "version": version},
        "defaultContentType": "application/json",
        "channels": {resource_key(topic): _channel(topic) for topic in topics},
        "operations": {f"publish{resource_key(topic)}": _operation(topic) for topic in topics},
        "components": {"messages": {resource_key(topic): _message(topic) for topic in topics}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    key = resource_key(topic)
    described = {"description": topic.description} if topic.description else {}
    return {"address": topic.name, "messages": {key: {"$ref": f"#/components/messages/{key}"}}, **described}


def _operation(topic: Topic) -> dict[str, Any]:
    key = resource_key(topic)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{key}"},
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
    }


def _message(topic: Topic) -> dict[str, Any]:
    described = {"summary": topic.description} if topic.description else {}
    return {
        "name": topic.name,
        "title": f"{topic.entity} {topic.action.lower()}",
        **described,
        "tags": [{"name": topic.category}],
        "payload": {"schemaFormat": _OF_DRAFT.format(_draft(topic.schema)), "schema": topic.schema},
    }


def _draft(schema: Mapping[str, Any] | bool) -> str:
    said = str(schema.get("$schema", "")) if isinstance(schema, Mapping) else ""
    return next((draft for draft in _DRAFTS if draft in said), _DEFAULT_DRAFT)
