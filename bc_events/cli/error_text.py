"""The text of an error, as it is read at a shell: nobody there can call a method or pass an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events.errors import DeliveryError, InvalidEventError, TopicDefinitionError, Undelivered

from .escaping import escaped, on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_SHOWN: Final = 20
_REMEDIES: Final = {
    "refused": "The API will refuse the same event again: correct it, or the options, by the reason above.",
    "unknown": "It may have arrived all the same: look for it there before you publish it again.",
    "unsent": "It was certainly not sent: see to the reason above, and run the command again.",
}


def text_of(error: Exception) -> str:
    """What happened, why, and what to do. Only the line breaks between its parts are line breaks."""
    if isinstance(error, TopicDefinitionError):
        count = len(error.problems)
        head = f"{escaped(error.source)} has {count} {'mistake' if count == 1 else 'mistakes'}:"
        return "\n".join([head, *_listed(error.problems)])
    if isinstance(error, InvalidEventError):
        return "\n".join([f"invalid data for {escaped(error.topic)}:", *_listed(error.violations)])
    if isinstance(error, DeliveryError):
        return "\n".join([*_undelivered(error), *remedies(error.undelivered)])
    return on_one_line(str(error))


def remedies(undelivered: Sequence[Undelivered]) -> Iterable[str]:
    """What to do about events that did not arrive: a sentence for each outcome."""
    outcomes = {item.outcome for item in undelivered}
    return [remedy for outcome, remedy in _REMEDIES.items() if outcome in outcomes]


def _undelivered(error: DeliveryError) -> Iterable[str]:
    count, total = len(error.undelivered), len(error.undelivered) + error.sent
    if total == 1:
        [item] = error.undelivered
        yield f"{item.event} was not delivered: {item.outcome}: {on_one_line(item.reason)}"
        return
    yield f"{count} of {total} events {'was' if count == 1 else 'were'} not delivered:"
    yield from _listed(error.undelivered)


def _listed(items: Sequence[object]) -> Iterable[str]:
    for item in items[:_MOST_SHOWN]:
        yield f"  {on_one_line(str(item))}"
    if len(items) > _MOST_SHOWN:
        yield f"  and {len(items) - _MOST_SHOWN} more"
