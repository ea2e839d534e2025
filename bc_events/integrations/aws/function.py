"""What Lambda can call: a plain function, which has done its work when it returns."""

from __future__ import annotations

import inspect


def check_callable_by_lambda(function: object) -> None:
    """Raises TypeError for one that would return before its body has run, which Lambda never runs."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{getattr(function, '__qualname__', function)!s} is async, and Lambda awaits nothing; "
            "make it a plain function that calls asyncio.run"
        )
