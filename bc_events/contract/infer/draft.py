"""A draft of a definitions file."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import yaml

from bc_events.errors import ConfigurationError, counted, printable

from .observed_schema import observed_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD: Final = """\
# DRAFT, made by bc-events topics infer from {events} of {topics}.
# It says what these events had in common, which is not yet what they should have. Of each topic, decide:
#   which keys are required, which others may come, and what they mean;
#   which texts are only some values (enum), and which numbers have limits.
# Then run: bc-events topics lint
"""
_SHAPE: Final = 'give lines of JSON with "action", "entity" and "data", and "category" if they have one'
_WORDS: Final = ("category", "entity", "action")


def draft(lines: Iterable[bytes]) -> str:
    """The text of a definitions file for events as lines of JSON, such as an export of the local Events API has.

    Raises `ConfigurationError`, which names the first line that is no event.
    """
    observed: dict[tuple[str | None, str, str], list[Any]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            event = _read(line, number)
            words = (event.get("category"), event["entity"], event["action"])
            observed.setdefault(words, []).append(event["data"])
    if not observed:
        raise ConfigurationError(f"there is no event in it; {_SHAPE}")
    categories = Counter(category for category, _, _ in observed if category)
    default = categories.most_common(1)[0][0] if categories else "events"
    topics = [_topic(*words, data, default) for words, data in sorted(observed.items(), key=str)]
    events = counted(sum(map(len, observed.values())), "event")
    head = _HEAD.format(events=events, topics=counted(len(observed), "topic"))
    document = {"DefaultCategory": default, "Topics": topics}
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _topic(category: str | None, entity: str, action: str, data: list[Any], default: str) -> dict[str, Any]:
    own = {"Category": category} if category not in {None, default} else {}
    seen = f"DRAFT, from {counted(len(data), 'event')}. Say when this event happens."
    return {"Action": action, "Entity": entity, **own, "Description": seen, "Schema": observed_schema(data)}


def _read(line: bytes, number: int) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"line {number} is not JSON ({printable(str(error))}); {_SHAPE}") from error
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise ConfigurationError(f"line {number} is no event; {_SHAPE}")
    for word in _WORDS:
        if not isinstance(event.get(word), str) and (word != "category" or event.get(word) is not None):
            raise ConfigurationError(f"line {number} has no {word}; {_SHAPE}")
    return event
