"""SentAnswer: the response to a submission, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import orjson

from bc_events.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .envelope import Envelope
    from .received_event import ReceivedEvent
    from .refusal import RefusedError

_MOST_SHOWN: Final = 5
_LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """A status, a body, and what the log of requests keeps. If it `is_lost`, the connection is closed instead."""

    status: int
    body: bytes
    retry_after: int | None = None
    records: int = 0
    refused_records: int = 0
    topics: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    reason: str | None = None
    fault: str | None = None
    is_replay: bool = False
    is_lost: bool = False
    stored: tuple[ReceivedEvent, ...] = ()

    @classmethod
    def refusal(cls, status: int, error: RefusedError) -> Self:
        body = orjson.dumps({"errorType": error.error_type, "errorMessage": error.reason})
        return cls(status, body, reason=shown(error))

    def of(self, envelopes: Sequence[Envelope]) -> SentAnswer:
        """The same answer, with what is known of the events."""
        actors = dict.fromkeys(f"{one.actor.type} {one.actor.id}" for one in envelopes)
        topics = tuple(dict.fromkeys(one.topic for one in envelopes))
        refused = self.refused_records if self.status < 300 else len(envelopes)  # noqa: PLR2004
        return replace(self, records=len(envelopes), refused_records=refused, topics=topics, actors=tuple(actors))


def shown(error: RefusedError) -> str:
    """Why something was refused, fit for a log."""
    return printable(f"{error.error_type}: {error.reason}", max_length=_LONGEST_REASON)


def reason_of(refused: Sequence[tuple[int, RefusedError]]) -> str | None:
    """Why records of a bulk request were refused, for the first of them. Records count from 1."""
    if not refused:
        return None
    listed = [f"record {number}: {shown(error)}" for number, error in refused[:_MOST_SHOWN]]
    more = [f"and {len(refused) - _MOST_SHOWN} more"] if len(refused) > _MOST_SHOWN else []
    return printable("; ".join([*listed, *more]), max_length=_LONGEST_REASON)
