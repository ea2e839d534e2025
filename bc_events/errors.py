"""Every error the library raises.

    EventsError
    ├── ConfigurationError
    │   └── TopicDefinitionError      .problems
    ├── UnknownTopicError             (ValueError) .name, .closest
    │   ├── UnknownEventNameError     (AttributeError)
    │   └── UnknownTopicKeyError      (KeyError)
    ├── InvalidEventError             (ValueError) .topic, .violations
    ├── InvalidActorError             (ValueError)
    ├── InvalidJobIdError             (ValueError)
    ├── NoActiveSessionError
    ├── SessionClosedError
    ├── NestedSessionError
    ├── FailedWorkError               never raised
    ├── OutboxError
    └── DeliveryError                 .undelivered, .requests

A message names the thing, the reason and the remedy. None shows payload values: they may be personal data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._delivery.request import Request
    from .event import Event

Outcome = Literal["refused", "unknown", "unsent"]
MOST_VIOLATIONS: Final = 1000
"""The most violations that an error about one event holds. More would not help."""
_MOST_SHOWN: Final = 20
MAX_LENGTH: Final = 200
"""Characters of one piece of text that a message shows."""


def _first(items: Sequence[object]) -> str:
    """A line for each of the first items, and one for the number of the others."""
    lines = "".join(f"\n  {item}" for item in items[:_MOST_SHOWN])
    more = len(items) - _MOST_SHOWN
    return f"{lines}\n  and {more} more" if more > 0 else lines


class EventsError(Exception):
    """Root of everything raised by this library."""


class ConfigurationError(EventsError):
    """A client, or the environment it is configured from, cannot work as given."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a definitions file. `line` counts from 1; None where the source is a mapping."""

    line: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class TopicDefinitionError(ConfigurationError):
    """A definitions file has mistakes; `problems` lists every one of them, and the message shows the first."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(f"{source} has {counted(len(self.problems), 'mistake')}:{_first(self.problems)}")

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Problem, ...]]]:
        return type(self), (self.source, self.problems)


class UnknownTopicError(EventsError, ValueError):
    """No topic, or more than one, answers to a name; `closest` are names that do."""

    def __init__(self, message: str, *, name: str = "", closest: Sequence[str] = ()) -> None:
        self.name = name
        self.closest: tuple[str, ...] = tuple(closest)
        super().__init__(message)


class UnknownEventNameError(UnknownTopicError, AttributeError):  # type: ignore[misc]  # both bases have a `name`
    """A magic call that fits no topic: also an AttributeError, as for any name that does not exist."""


class UnknownTopicKeyError(UnknownTopicError, KeyError):
    """A topic table has no topic of that name: also a KeyError, as for any mapping."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # a KeyError shows the repr of its message


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which data breaks a rule. `path` is a JSON Pointer into the data, `rule` the broken keyword.

    `message` is safe to print. `path` has the keys as they are in the data; `str()` escapes them.
    """

    path: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{printable(self.path) or '(data)'}: {self.message}"


class InvalidEventError(EventsError, ValueError):
    """An event's data breaks its topic's schema or cannot be JSON; `violations` lists every breach."""

    def __init__(self, topic: str, violations: Sequence[Violation]) -> None:
        self.topic = topic
        self.violations: tuple[Violation, ...] = tuple(violations)
        super().__init__(f"invalid data for {topic}; correct it where it is published:{_first(self.violations)}")

    def __reduce__(self) -> tuple[type, tuple[str, tuple[Violation, ...]]]:
        return type(self), (self.topic, self.violations)


class InvalidActorError(EventsError, ValueError):
    """An actor id or type that the Events API would refuse."""


class InvalidJobIdError(EventsError, ValueError):
    """A job id that cannot travel in a header: not 1 to 255 characters of \\x21 to \\x7e."""


class NoActiveSessionError(EventsError):
    """Something was published where no session is live."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message
            or 'no session is live here; wrap the work in "with events.session():" (EventsMiddleware does so for the '
            "requests of a web application) or, in a new thread, start it with events.propagate(fn)"
        )


class SessionClosedError(EventsError):
    """The session this code belongs to has ended, so an event would be lost or land under another job."""


class NestedSessionError(EventsError):
    """A scope that must be outermost (`durable=True`) was opened inside another."""


class FailedWorkError(EventsError):
    """Ends a scope whose work has failed without an exception, for example by the status of a response.

    It is never raised. Events that a database transaction holds are left to that transaction.
    """


class OutboxError(EventsError):
    """An outbox's database refused something, or is not as it should be.

    `may_be_stored` is False if the events are certainly not stored: their transaction did not reach its commit.
    """

    may_be_stored = True


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One event that is not known to have arrived, and why.

    `outcome` is "refused" (the API answered and will never take it), "unknown" (no trustworthy answer: it may have
    arrived) or "unsent" (it certainly never left: no token, no connection, or the flush ended before its turn).
    """

    event: Event
    reason: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.event} {self.event.id}: {self.outcome}: {self.reason}"


class DeliveryError(EventsError):
    """Some events were not delivered. `undelivered` has one item per event; `EventClient.resend` tries them again.

    `requests` has the requests, bytes and keys, that `resend` sends again.
    """

    def __init__(
        self, undelivered: Sequence[Undelivered], requests: Sequence[Request[Event]] = (), sent: int = 0
    ) -> None:
        self.undelivered: tuple[Undelivered, ...] = tuple(undelivered)
        self.requests: tuple[Request[Event], ...] = tuple(requests)
        self.sent = sent
        shown = "".join(f"\n  {item}" for item in self.undelivered[:10])
        more = len(self.undelivered) - 10
        tail = f"\n  the first 10, and {more} more" if more > 0 else ""
        count = len(self.undelivered)
        super().__init__(
            f"{count} of {counted(count + sent, 'event')} {'was' if count == 1 else 'were'} not delivered; "
            f"keep this error and call events.resend(error), or correct what the reasons name:{tail}{shown}"
        )

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.undelivered, self.requests, self.sent)


def counted(count: int, noun: str) -> str:
    """`1 event`, `2 events`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def kind_of(value: object) -> str:
    """`a str`, `an int`, `None`, `the class Session`."""
    if value is None or isinstance(value, type):
        return "None" if value is None else f"the class {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"


def printable(text: str, *, max_length: int = MAX_LENGTH) -> str:
    """Text from outside on one line: control and invisible characters escaped, the end cut off where it is too long."""
    shown = text[: max_length + 1]
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else _escaped(character) for character in shown)
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
