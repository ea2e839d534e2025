"""Suggest the name that was probably meant by a name that does not exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bc_events.errors import UnknownEventNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF: Final = 0.8
_CUTOFF_OF_CLIENT: Final = 0.9
_CUTOFF_OF_ARGUMENT: Final = 0.7
_SYNONYMS: Final = {
    "client": ("default_client",),
    "commit": ("flush",),
    "discard": ("rollback",),
    "emit": ("publish",),
    "job": ("job_id", "current_job_id"),
    "job_id": ("current_job_id",),
    "send": ("flush",),
    "transaction": ("session",),
    "user": ("actor", "user_context"),
    "user_id": ("actor_id", "user_context"),
}
"""Names that other libraries use for the same thing, or that come to mind first."""
_MAGIC_NAMES: Final = (
    "a magic call is named <action>_<entity> or <entity>_<action> in lower case, such as created_policy"
)
_SESSION: Final = (
    "a client only makes sessions; write `with events.session(client=client) as session:` and use session.{}"
)
_WORD: Final = re.compile("[A-Z]?[a-z]+")


def meant(name: str, known: Iterable[str], *, cutoff: float = _CUTOFF) -> str | None:
    """The known name that is so close to this one that it was surely meant; None where there is none."""
    import difflib  # noqa: PLC0415  needed only to explain a mistake

    names = list(known)
    synonyms = [one for one in _SYNONYMS.get(name, ()) if one in names]
    found = synonyms or difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return found[0] if found else None


def refuse_mistyped(name: str, known: Iterable[str], *, owner: str) -> None:
    """Raises `UnknownEventNameError` where a magic name without a topic was surely meant for a name of `owner`."""
    right = meant(name, known)
    if right is not None:
        raise UnknownEventNameError(
            f"{owner} has no {name}, and no topic answers to it; did you mean {owner}.{right}?",
            name=name,
            closest=[right],
        ) from None


def refuse_one_word(name: str, known: Iterable[str], *, owner: str) -> None:
    """Raises `UnknownEventNameError` for a name that is too short for a magic name."""
    if "_" not in name:
        told = f"{owner} has no {name}; it has {', '.join(known)}, and {_MAGIC_NAMES}"
        raise UnknownEventNameError(told, name=name) from None


def of_argument(name: str, known: Iterable[str], *, owner: str) -> str:
    """The advice about a keyword argument that a function lacks."""
    names = list(known)
    right = meant(name, names, cutoff=_CUTOFF_OF_ARGUMENT)
    return f"{owner} has no argument {name}; " + (f"did you mean {right}?" if right else f"it has {', '.join(names)}")


def no_attribute(name: str, known: Iterable[str], *, owner: str) -> AttributeError:
    """The error for a name that cannot be a magic name."""
    right = None if name.startswith("_") else meant(name, known) or _in_snake_case(name)
    question = f"; did you mean {owner}.{right}?" if right else ""
    return AttributeError(f"{owner} has no attribute {name!r}; {_MAGIC_NAMES}{question}", name=name)


def _in_snake_case(name: str) -> str | None:
    """`created_policy` for createdPolicy."""
    words = _WORD.findall(name)
    return "_".join(words).lower() if len(words) > 1 and len("".join(words)) == len(name.replace("_", "")) else None


def not_of_a_client(name: str, known: Iterable[str], arguments: Iterable[str]) -> AttributeError:
    """The error for a name that a client lacks, and that a session or an argument of its constructor may have."""
    if name in arguments:
        told = f"EventClient has no attribute {name}, which is only an argument: EventClient(…, {name}=…)"
        return AttributeError(told, name=name)
    right = None if name.startswith("_") else meant(name, known, cutoff=_CUTOFF_OF_CLIENT)
    advice = f"did you mean {right}?" if right else _SESSION.format(name)
    return AttributeError(f"EventClient has no {name}; {advice}", name=name)
