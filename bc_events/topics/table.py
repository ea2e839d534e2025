"""TopicTable: the topics of a service, read from its definitions file and indexed by all their names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bc_events.errors import ConfigurationError, UnknownTopicError, UnknownTopicKeyError, kind_of, printable

if TYPE_CHECKING:
    from .definitions import Definitions
    from .topic import Topic


_MOST_SHOWN: Final = 3


class TopicTable(Mapping[str, "Topic"]):
    """The topics of one definitions file by their names, such as `testing.TestCreated`, in the file's order. Read-only.

    `magic_names` has every name of a magic call; its value is None where several categories have the name.
    """

    __slots__ = ("_by_name", "default_category", "magic_names")

    def __init__(self, topics: Sequence[Topic], default_category: str) -> None:
        self.default_category: str = default_category
        self._by_name = {topic.name: topic for topic in topics}
        self.magic_names: Mapping[str, Topic | None] = dict(_unambiguous(topics, default_category))

    @classmethod
    def read(cls, source: Definitions, *, show_values: bool = False) -> TopicTable:
        """Reads a path, an open file or a loaded mapping; raises `TopicDefinitionError` with every mistake.

        `show_values` lets errors about events quote the values they refuse, which may be personal data.
        """
        if type(show_values) is not bool:
            raise ConfigurationError(f"show_values is {kind_of(show_values)}; give True or False")
        from .definitions import read_definitions  # noqa: PLC0415  loads yaml

        return cls(*read_definitions(source, show_values=show_values))

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __hash__(self) -> int:
        """Equal tables have the same topics."""
        return hash(frozenset(self._by_name.values()))

    def __getitem__(self, name: str) -> Topic:
        """The topic of a full name. Raises `UnknownTopicError`, here also a `KeyError`."""
        try:
            return self._by_name[name]
        except KeyError:
            error = self._unknown(name, list(self._by_name))
        raise UnknownTopicKeyError(str(error), name=error.name, closest=error.closest) from None

    def find(self, category: str | None, entity: str, action: str) -> Topic:
        """The topic with these names. Without a category, as for a magic call. Raises `UnknownTopicError`."""
        for kind, word in (("category", category or ""), ("entity", entity), ("action", action)):
            if not isinstance(word, str):  # it may be data, which no message shows
                raise UnknownTopicError(f"{kind} is {kind_of(word)}; give its name as text, as in the definitions file")
        if category:
            return self[f"{category}.{entity}{action}"]
        found = [topic for topic in self.values() if (topic.entity, topic.action) == (entity, action)]
        own = [topic for topic in found if topic.category == self.default_category]
        if len(own or found) == 1:
            return (own or found)[0]
        if found:
            raise self._ambiguous(f"{entity}{action}", [topic.category for topic in found])
        own_name = f"{self.default_category}.{entity}{action}".removeprefix(".")
        raise self._unknown(own_name, list(self._by_name))

    def resolve(self, magic_name: str) -> Topic:
        """The topic of a magic call: that of the default category, else the only one with this name."""
        topic = self.magic_names.get(magic_name)
        if topic is not None:
            return topic
        if magic_name in self.magic_names:
            raise self._ambiguous(magic_name, [t.category for t in self.values() if magic_name in t.magic_names])
        raise self._unknown(magic_name, list(self.magic_names))

    def _unknown(self, name: str, known: list[str]) -> UnknownTopicError:
        closest = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(closest)}?" if closest else f"is it in the definitions file? {self._first()}"
        return UnknownTopicError(f"no topic answers to {printable(name)}; {hint}", name=name, closest=closest)

    def _first(self) -> str:
        """Some of the topics, by which a reader recognises the file."""
        names = list(self._by_name)
        shown = names[:_MOST_SHOWN] + ([f"{len(names) - _MOST_SHOWN} more"] if len(names) > _MOST_SHOWN else [])
        return f"It has {', '.join(shown)}" if names else "It has no topics"

    def _ambiguous(self, name: str, categories: list[str]) -> UnknownTopicError:
        return UnknownTopicError(
            f"{name} exists in the categories {', '.join(sorted(categories))} and in none by default; "
            "say which with publish(category=…)",
            name=name,
        )


def _unambiguous(topics: Sequence[Topic], default_category: str) -> Iterator[tuple[str, Topic | None]]:
    """Each magic name with its topic; with None where several categories have it, and the default one does not."""
    claims: dict[str, list[Topic]] = {}
    for topic in topics:
        for name in dict.fromkeys(topic.magic_names):
            claims.setdefault(name, []).append(topic)
    for name, claimants in claims.items():
        own = [topic for topic in claimants if topic.category == default_category]
        candidates = own or claimants
        yield name, candidates[0] if len(candidates) == 1 else None
