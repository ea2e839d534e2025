"""Lines of JSON: each is an event to publish."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from bc_events import InvalidEventError, UnknownTopicError

from .escaping import escaped

if TYPE_CHECKING:
    from bc_events import Event, EventSession

_SHAPES: Final = 'give {"name", "data"} or {"action", "entity", "category", "data"}, of which category may be left out'
_BY_NAME: Final = frozenset({"name", "data"})
_BY_WORDS: Final = frozenset({"action", "entity", "data"})
_MOST_SHOWN: Final = 20


class LineError(ValueError):
    """A line that is no event. The message is one line itself, and shows no value of the data."""


def read_data(text: str | bytes) -> Any:
    """JSON, with the digits of its numbers kept. Raises `LineError`."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} in column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise LineError("not JSON: it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON that an event can carry: a number too long, NaN or too deep a nesting") from error


def publish_line(session: EventSession, line: bytes) -> Event:
    """Publishes the event of one line. Raises `LineError`."""
    found = read_data(line)
    if not isinstance(found, dict):
        raise LineError(f"not an object; {_SHAPES}")
    if found.keys() != _BY_NAME and found.keys() - {"category"} != _BY_WORDS:
        raise LineError(f"an object with other keys; {_SHAPES}")
    if not all(isinstance(value, str) for key, value in found.items() if key != "data"):
        raise LineError(f"a name that is not text; {_SHAPES}")
    try:
        return publish_named(session, **found) if "name" in found else session.publish(**found)
    except UnknownTopicError as error:
        raise LineError(escaped(str(error))) from error
    except InvalidEventError as error:
        raise LineError(f"invalid data for {error.topic}: {_listed(error)}") from error


def _listed(error: InvalidEventError) -> str:
    shown = [escaped(str(violation)) for violation in error.violations[:_MOST_SHOWN]]
    more = len(error.violations) - _MOST_SHOWN
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)


def publish_named(session: EventSession, name: str, data: Any) -> Event:
    """Publishes by the name of a magic call. Raises `UnknownTopicError` and `InvalidEventError`."""
    # Not getattr: that would also find the session's own methods.
    return session.unit.call(name, data)


def _refuse(_constant: str) -> NoReturn:
    raise ValueError
