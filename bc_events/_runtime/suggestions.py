"""The name that was meant by one that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events.errors import UnknownEventNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF: Final = 0.8


def meant(name: str, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str | None:
    """The known name that is so near to this one that it must be meant. None where there is no such name."""
    import difflib  # noqa: PLC0415  needed only to explain a mistake

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def refuse_mistyped(name: str, known: Iterable[str], *, owner: str) -> None:
    """Raises `UnknownEventNameError` where `owner` has a name that must be meant by a magic name without a topic."""
    right = meant(name, known)
    if right is not None:
        raise UnknownEventNameError(
            f"{owner} has no {name}, and no topic answers to it; did you mean {owner}.{right}?",
            name=name,
            closest=[right],
        ) from None
