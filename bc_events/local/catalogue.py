"""Catalogue: the topics that data is checked against, of one or several definitions files."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from bc_events.errors import ConfigurationError, printable
from bc_events.topics.table import TopicTable

from .document import DocumentError, violations_as_sent
from .refusal import SCHEMA_VIOLATION, UNKNOWN_TOPIC, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.topics.definitions import Definitions
    from bc_events.topics.topic import Topic

    from .envelope import Envelope

_MOST_SHOWN: Final = 5


class Catalogue:
    """The topics by their names. Without any definitions it allows every topic and all data."""

    def __init__(self, definitions: Sequence[Definitions | TopicTable]) -> None:
        """Raises `TopicDefinitionError`, and `ConfigurationError` where two files define one topic differently."""
        self.topics: dict[str, Topic] = {}
        self._is_open = not definitions
        for source in definitions:
            table = source if isinstance(source, TopicTable) else TopicTable.read(source)
            for topic in table.values():
                self._add(topic)

    def _add(self, topic: Topic) -> None:
        known = self.topics.setdefault(topic.name, topic)
        if known.schema != topic.schema:
            raise ConfigurationError(f"two definitions files define {topic} differently; leave one of them out")

    def check(self, envelope: Envelope) -> None:
        """Raises `RefusedError` for an event that no topic allows."""
        if self._is_open:
            return
        topic = self.topics.get(envelope.topic)
        if topic is None:
            raise RefusedError(UNKNOWN_TOPIC, self._unknown(envelope.topic))
        if topic.is_valid(envelope.data):
            return
        # orjson rounds floats: before the data is refused, it is checked again with the exact digits.
        try:
            violations = violations_as_sent(topic.check, envelope.raw)
        except DocumentError as error:
            raise RefusedError(SCHEMA_VIOLATION, f"{topic}: the data cannot be checked: {error}") from error
        if violations:
            shown = [str(violation) for violation in violations[:_MOST_SHOWN]]
            more = [f"and {len(violations) - _MOST_SHOWN} more"] if len(violations) > _MOST_SHOWN else []
            raise RefusedError(SCHEMA_VIOLATION, f"{topic}: {'; '.join([*shown, *more])}")

    def _unknown(self, name: str) -> str:
        closest = get_close_matches(name, self.topics, n=1)
        hint = f"did you mean {closest[0]}?" if closest else "give the server the file that defines it"
        return f"no definitions file has a topic {printable(name)}; {hint}"
