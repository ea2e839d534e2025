"""Refuse a decorator written without parentheses, such as `@events.session` in place of `@events.session()`."""

from __future__ import annotations

import functools
import inspect
import types
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

_DESCRIPTORS: Final = (classmethod, staticmethod, property, functools.partialmethod, functools.cached_property)


def refuse_bare(decorator: str, decorated: object) -> None:
    """Raises TypeError if the argument is a function or descriptor: the decorator was then written without parentheses.

    For decorators whose argument is never callable, such as `events.override(client)`.
    """
    if callable(decorated) or isinstance(decorated, _DESCRIPTORS):
        raise _missing(decorator, decorated)


def refuse_bare_job_id(decorator: str, job_id: object, caller: FrameType) -> None:
    """Raises TypeError where a bare `@events.session` got the decorated function as its job id.

    A job id may be a callable, too. The decorated function is told apart by its place: its `def` is in the code that
    `caller` runs, at the line that it runs now. A class, or a function that never returns a string, is no job id.
    """
    if isinstance(job_id, _DESCRIPTORS) or _makes_no_id(job_id) or _is_defined_at(job_id, caller):
        raise _missing(decorator, job_id)


def _missing(decorator: str, decorated: object) -> TypeError:
    name = getattr(decorated, "__qualname__", None) or type(decorated).__name__
    return TypeError(
        f"@{decorator} stands above {name} without its parentheses; write @{decorator}(…), with its arguments if any"
    )


def _makes_no_id(function: Any) -> bool:
    """Whether its calls can never return a string."""
    if inspect.isclass(function):
        return not issubclass(function, str)
    return any(
        kind(function)
        for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    )


def _is_defined_at(function: Any, caller: FrameType) -> bool:
    """Whether the code of `caller` defines the function, and now runs a line between its first decorator and its end.

    Once the function's name is bound, its decorators have run. A later line then passes the function on purpose.
    """
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if not isinstance(code, types.CodeType) or code.co_name == "<lambda>" or code not in caller.f_code.co_consts:
        return False
    last = max(line for *_, line in code.co_lines() if line is not None)
    is_named = caller.f_locals.get(code.co_name) is function
    return code.co_firstlineno <= caller.f_lineno and (caller.f_lineno <= last or not is_named)
