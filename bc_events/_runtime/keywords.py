"""Misspelt keyword arguments: the TypeError names the closest one, as Python's own does only from 3.13 on."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from . import suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A decorator for a function that is called now and then: it costs about as much as a call."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    owner = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        for name in named:
            if name not in known:
                raise TypeError(suggestions.of_argument(name, (one for one in known if one != "self"), owner=owner))
        return function(*arguments, **named)

    return call


def checked_class(kind: type[C]) -> type[C]:
    """The same for a class whose `__init__` is made by `dataclass`."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[method-assign]  # `dataclass` has made it a plain function
    return kind
