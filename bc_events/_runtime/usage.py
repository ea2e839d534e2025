"""The usage of a function, for the TypeError of a wrong call."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def with_usage(usage: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator for a function with keyword-only parameters. Python's own TypeError does not say how to call it."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code, defaults = function.__code__, function.__kwdefaults__ or {}
        known = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        required = frozenset(known) - defaults.keys()

        @functools.wraps(function)
        def call(*arguments: P.args, **named: P.kwargs) -> R:
            if len(arguments) > code.co_argcount or not required <= named.keys() <= frozenset(known):
                raise TypeError(_told(usage, [name for name in known if name in required - named.keys()]))
            return function(*arguments, **named)

        return call

    return decorate


def _told(usage: str, missing: list[str]) -> str:
    if not missing:
        return usage
    names = [repr(name) for name in missing]
    listed = f"{', '.join(names[:-1])}{',' if len(names) > 2 else ''} and {names[-1]}" if names[1:] else names[0]  # noqa: PLR2004
    return f"{usage}; {listed} {'are' if names[1:] else 'is'} missing"
