"""What has changed between two versions of a definitions file, topic by topic."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from .verdict import Break, Status, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

Mode = Literal["backward", "forward", "full"]
MODES: Final[tuple[Mode, ...]] = ("full", "backward", "forward")
_GRAVEST: Final[tuple[Status, ...]] = ("breaking", "unknown", "compatible")


@dataclass(frozen=True, slots=True)
class TopicChange:
    """One topic that has changed. `direction` is `backward` (old data, new readers), `forward`, or empty."""

    topic: str
    status: Status
    rule: str
    direction: str = ""
    found: Break | None = None
    message: str = ""


def topic_changes(
    old: TopicTable, new: TopicTable, mode: Mode = "full", *, is_lenient: bool = True
) -> list[TopicChange]:
    """The changes from an old table to a new one; the gravest first."""
    changes = [*_gone(old, new), *_come(old, new)]
    for name, topic in new.items():
        if name in old and old[name].schema != topic.schema:
            changes += _changed(old[name], topic, mode, is_lenient=is_lenient)
    return sorted(changes, key=lambda change: _GRAVEST.index(change.status))


def _gone(old: TopicTable, new: TopicTable) -> Iterator[TopicChange]:
    """Topics that no longer have their name: whoever listens to it hears nothing any more."""
    for name, topic in old.items():
        if name in new:
            continue
        moved = next((one for one in new.values() if (one.entity, one.action) == (topic.entity, topic.action)), None)
        if moved is not None and moved.name not in old:
            told = f"its category is {moved.category} now; consumers of {name} get nothing"
            yield TopicChange(name, "breaking", "topic_category_changed", message=told)
            continue
        likely = difflib.get_close_matches(name, [one for one in new if one not in old], n=1)
        told = f"it was renamed to {likely[0]}, or removed" if likely else "it was removed"
        yield TopicChange(name, "breaking", "topic_removed", message=f"{told}; consumers of {name} get nothing")


def _come(old: TopicTable, new: TopicTable) -> Iterator[TopicChange]:
    for name in new:
        if name not in old:
            yield TopicChange(name, "compatible", "topic_added", message="it is new")


def _changed(old: Topic, new: Topic, mode: Mode, *, is_lenient: bool) -> Iterator[TopicChange]:
    pairs = {"backward": (old.schema, new.schema), "forward": (new.schema, old.schema)}
    wanted = ("backward", "forward") if mode == "full" else (mode,)
    statuses = []
    for direction in wanted:
        judged = verdict(*pairs[direction], is_lenient=is_lenient)
        statuses.append(judged.status)
        for found in judged.breaks:
            yield TopicChange(new.name, "breaking", found.rule, direction, found, found.message)
        for reason in judged.reasons:
            yield TopicChange(new.name, "unknown", "undecided", direction, message=reason)
    if all(status == "compatible" for status in statuses):
        yield TopicChange(new.name, "compatible", "schema_changed", message="its schema has changed")
