"""Catalogue: the topics that data is checked against, of one or several definitions files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events.errors import ConfigurationError
from bc_events.topics.table import TopicTable

from .document import DocumentError, violations_as_sent
from .refusal import SCHEMA_VIOLATION, UNKNOWN_TOPIC, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.topics.definitions import Definitions
    from bc_events.topics.topic import Topic

    from .envelope import Envelope


class Catalogue:
    """Without any definitions it takes every topic and whatever its data."""

    def __init__(self, definitions: Sequence[Definitions | TopicTable]) -> None:
        """Raises `TopicDefinitionError`, and `ConfigurationError` where two files define one topic differently."""
        self._topics: dict[str, Topic] = {}
        self._is_open = not definitions
        for source in definitions:
            table = source if isinstance(source, TopicTable) else TopicTable.read(source)
            for topic in table.values():
                self._add(topic)

    def _add(self, topic: Topic) -> None:
        known = self._topics.setdefault(topic.name, topic)
        if known.schema != topic.schema:
            raise ConfigurationError(f"two definitions files define {topic} differently; leave one of them out")

    def check(self, envelope: Envelope) -> None:
        """Raises `RefusedError` for an event that no topic allows."""
        if self._is_open:
            return
        topic = self._topics.get(envelope.topic)
        if topic is None:
            raise RefusedError(UNKNOWN_TOPIC, f"no definitions file has a topic {envelope.topic}")
        if topic.is_valid(envelope.data):
            return
        # What orjson reads as a float is looked at again with its digits exact before it is refused.
        try:
            violations = violations_as_sent(topic.check, envelope.raw)
        except DocumentError as error:
            raise RefusedError(SCHEMA_VIOLATION, f"the data cannot be checked: {error}") from error
        if violations:
            raise RefusedError(SCHEMA_VIOLATION, "; ".join(str(violation) for violation in violations))
