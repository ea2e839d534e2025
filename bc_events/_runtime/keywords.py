"""Wrong arguments of a call: the TypeError names the closest keyword, or those that are given by name alone.

Python's own names the closest keyword only from 3.13 on.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from . import suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

_HAS_VARARGS: Final = 0x04  # inspect.CO_VARARGS; inspect itself is slow to load

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A decorator for a function that is called now and then: it costs about as much as a call."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    by_name = known[code.co_argcount :]
    most = sys.maxsize if code.co_flags & _HAS_VARARGS else code.co_argcount
    owner = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        if len(arguments) > most and by_name:
            first = ", ".join(one for one in known[:most] if one != "self") or "nothing"
            raise TypeError(f"{owner} takes {first} by position; give {', '.join(by_name)} by name: {by_name[0]}=…")
        for name in named:
            if name not in known:
                raise TypeError(suggestions.of_argument(name, (one for one in known if one != "self"), owner=owner))
        return function(*arguments, **named)

    return call


def checked_class(kind: type[C]) -> type[C]:
    """The same for a class whose `__init__` is made by `dataclass`."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[method-assign]  # `dataclass` has made it a plain function
    return kind
