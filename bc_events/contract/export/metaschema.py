"""The JSON Schema of definitions files, by which editors check and complete them."""

from __future__ import annotations

from typing import Any, Final

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The draft that editors know best."""


def metaschema() -> dict[str, Any]:
    """The same rules for names as when a file is read; a topic's schema may be of any draft."""
    action = {"type": "string", "pattern": "^[A-Z][a-z]+$", "description": "One past-tense word, such as Created."}
    entity = {"type": "string", "pattern": "^([A-Z][a-z]+)+$", "description": "StudlyCaps, such as MyEntity."}
    category = {"type": "string", "pattern": "^[a-z]+$", "description": "One lower-case word, such as policies."}
    schema = {
        "description": "The JSON Schema of the event's data.",
        "type": ["object", "boolean"],
    }
    topic = {
        "type": "object",
        "required": ["Action", "Entity", "Schema"],
        "properties": {
            "Action": action,
            "Entity": entity,
            "Category": {**category, "description": "By default the DefaultCategory."},
            "Description": {"type": "string", "description": "When this event happens."},
            "Schema": schema,
        },
    }
    return {
        "$schema": _DRAFT,
        "title": "Topic definitions of bc_events",
        "type": "object",
        "required": ["Topics"],
        "properties": {"DefaultCategory": category, "Topics": {"type": "array", "items": topic}},
    }
