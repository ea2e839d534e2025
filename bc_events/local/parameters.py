"""The parameters of a query string. One that is not known is refused: it may be meant as a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from .received_request import Outcome

if TYPE_CHECKING:
    from starlette.requests import Request

_LONGEST_WAIT: Final = 600.0
_MOST_DIGITS: Final = 19
LARGEST: Final = 2**62


class ParameterError(ValueError):
    """A wrong parameter in the query string."""


def refuse_others(request: Request, *known: str, example: str = "") -> None:
    """Raises `ParameterError` for a parameter that is not known."""
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        remedy = f"use {', '.join(known)}, such as {example}" if known else "leave it out"
        raise ParameterError(f"there is no parameter {unknown}; {remedy}")
    twice = next((name for name in known if len(request.query_params.getlist(name)) > 1), None)
    if twice is not None:
        raise ParameterError(f"the parameter {twice} is given more than once; give it once")


def filter_of(request: Request, *others: str) -> str:
    """The parameter q. Raises `ParameterError` for a parameter that is neither it nor one of the others."""
    refuse_others(request, "q", *others, example="q=topic:policies.PolicyCreated")
    return request.query_params.get("q", "")


def outcome_of(request: Request) -> str | None:
    """The parameter outcome; `refused` stands for `partly refused` too."""
    refuse_others(request, "outcome", example="outcome=refused")
    outcome = request.query_params.get("outcome")
    if outcome is not None and outcome not in get_args(Outcome):
        raise ParameterError(f"outcome is not one of {', '.join(get_args(Outcome))}")
    return outcome


def is_newest_first(request: Request) -> bool:
    order = request.query_params.get("order", "oldest")
    if order not in ("oldest", "newest"):
        raise ParameterError("order is not one of oldest, newest; it says which events come first")
    return order == "newest"


def whole(request: Request, name: str, default: int, *, least: int = 0, most: int = LARGEST) -> int:
    value = request.query_params.get(name, str(default))
    is_number = value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS
    if not is_number or not least <= int(value) <= most:
        raise ParameterError(f"{name} is not a whole number from {least} to {most}")
    return int(value)


def seconds(request: Request, name: str, default: float) -> float:
    value = request.query_params.get(name, str(default))
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= _LONGEST_WAIT:
        raise ParameterError(f"{name} is not a number of seconds from 0 to {_LONGEST_WAIT:.0f}")
    return found
