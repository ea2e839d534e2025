"""The name of a topic where only letters may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bc_events.topics.topic import Topic


def resource_key(topic: Topic) -> str:
    """Such as `PoliciesPolicyCreated`."""
    return f"{topic.category.capitalize()}{topic.entity}{topic.action}"
