"""Lambda can only call a plain function, whose work is done when it returns."""

from __future__ import annotations

import inspect

from bc_events._runtime import argument_checks as check


def check_callable_by_lambda(function: object) -> None:
    """Raises TypeError for an async function: Lambda would never run its body."""
    if not callable(function):
        raise TypeError(f"the handler is {check.shown(function)}; decorate a function of (event, context)")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{getattr(function, '__qualname__', function)!s} is async, and Lambda awaits nothing; "
            "make it a plain function that calls asyncio.run"
        )


def refuse_bare(decorator: str, arguments: tuple[object, ...]) -> None:
    """Raises TypeError where a decorator is given the handler itself, or another argument without its name."""
    if arguments:
        raise TypeError(f"write @{decorator}() with its parentheses above the handler; it takes its options by name")
