"""The text of an error, as it is read at a shell: nobody there can call a method or pass an argument."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from bc_events.errors import DeliveryError, InvalidEventError, TopicDefinitionError, Undelivered, counted

from .escaping import escaped, on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MOST_SHOWN: Final = 20
_OPTIONS: Final = {
    "(auth)": "(the auth of a client that --client names)",
    "api_url": "--api-url",
    "service_name": "--service",
    "topic_definitions": "--topics",
}
_ARGUMENT: Final = re.compile(r"\(auth\)|\b(?:api_url|service_name|topic_definitions)\b")
_OUTCOMES: Final = {"refused": "was refused", "unknown": "may not have arrived", "unsent": "was not sent"}
_REMEDIES: Final = {
    "refused": "The API refuses {it} for good: correct what the reason names, and publish {it} again.",
    "unknown": "{It} may have arrived all the same: look at the API before you publish {it} again.",
    "unsent": "Nothing was sent: correct what the reason names, and publish {it} again.",
}


def text_of(error: Exception) -> str:
    """What happened, why, and what to do. Only the line breaks between its parts are line breaks."""
    if isinstance(error, TopicDefinitionError):
        count = len(error.problems)
        head = f"{escaped(error.source)} has {counted(count, 'mistake')}:"
        return "\n".join([head, *_listed(error.problems)])
    if isinstance(error, InvalidEventError):
        return "\n".join([f"invalid data for {escaped(error.topic)}:", *_listed(error.violations)])
    if isinstance(error, DeliveryError):
        return "\n".join([*_undelivered(error), *remedies(error.undelivered)])
    return with_options(str(error))


def with_options(text: str) -> str:
    """A message on one line, in which options stand for the arguments of the same meaning."""
    return _ARGUMENT.sub(lambda found: _OPTIONS[found[0]], on_one_line(text))


def remedies(undelivered: Sequence[Undelivered]) -> Iterator[str]:
    """What to do about events that did not arrive: a sentence for each outcome."""
    counts: Counter[str] = Counter(item.outcome for item in undelivered)
    for outcome, remedy in _REMEDIES.items():
        if outcome in counts:
            it = "it" if counts[outcome] == 1 else "them"
            yield remedy.format(it=it, It="It" if it == "it" else "They")


def _undelivered(error: DeliveryError) -> Iterator[str]:
    count, total = len(error.undelivered), len(error.undelivered) + error.sent
    if total == 1:
        [item] = error.undelivered
        yield f"{item.event} {_OUTCOMES[item.outcome]}: {with_options(item.reason)}"
        return
    yield f"{count} of {total} events {'was' if count == 1 else 'were'} not delivered:"
    yield from _listed(error.undelivered, with_options)


def _listed(items: Sequence[object], shown: Callable[[str], str] = on_one_line) -> Iterator[str]:
    for item in items[:_MOST_SHOWN]:
        yield f"  {shown(str(item))}"
    if len(items) > _MOST_SHOWN:
        yield f"  and {len(items) - _MOST_SHOWN} more"
