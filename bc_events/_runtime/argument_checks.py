"""Arguments of the wrong kind. Each check names the argument, what it got and what to give. Text that was given is
shown by `one_of` alone.

They raise `ConfigurationError`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from bc_events.errors import ConfigurationError, kind_of, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

V = TypeVar("V")


def flag(name: str, value: bool) -> bool:
    if type(value) is not bool:
        raise wrong(name, value, "True or False")
    return value


def one_of(name: str, value: V, *allowed: str) -> V:
    if isinstance(value, str) and value in allowed:
        return value
    example = " or ".join(f'"{one}"' for one in allowed)
    if isinstance(value, str):  # the name of an option is no secret
        raise ConfigurationError(f"{name} is {printable(repr(value))}; give {example}")
    raise wrong(name, value, example)


def whole(name: str, value: int, *, least: int, most: int | None = None) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        span = f"from {least} to {most}" if most is not None else f"of {least} or more"
        raise wrong(name, value, f"a whole number {span}")
    return value


def seconds(name: str, value: float) -> float:
    """A finite number of 0 or more."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise wrong(name, value, "a finite number of seconds, 0 or more")
    return value


def text(name: str, value: str, *, example: str) -> str:
    if isinstance(value, str) and value and value.isprintable():
        return value
    if isinstance(value, str):
        given = "empty" if not value else "text with characters that cannot be printed"
        raise ConfigurationError(f"{name} is {given}; give text such as {example}")
    raise wrong(name, value, f"text such as {example}")


def texts(name: str, value: Collection[str], *, example: str) -> Collection[str]:
    """Several texts. One alone is refused: its characters would count as the texts."""
    if not isinstance(value, list | tuple | set | frozenset):
        raise wrong(name, value, example)
    for one in value:
        if not isinstance(one, str):
            raise ConfigurationError(f"an item of {name} is {shown(one)}; give {example}")
    return value


def is_coroutine_function(value: object) -> bool:
    import inspect  # noqa: PLC0415  a service that gives no function needs not load it

    return inspect.iscoroutinefunction(value)


def function(name: str, value: Callable[..., V], *, example: str) -> Callable[..., V]:
    """A callable that is neither a class nor a coroutine function, whose result nothing would await."""
    if not callable(value) or isinstance(value, type) or is_coroutine_function(value):
        raise wrong(name, value, example)
    return value


def instance(name: str, value: V, kind: type | tuple[type, ...], *, example: str) -> V:
    if not isinstance(value, kind):
        raise wrong(name, value, example)
    return value


def wrong(name: str, value: object, example: str) -> ConfigurationError:
    return ConfigurationError(f"{name} is {shown(value)}; give {example}")


def shown(value: object) -> str:
    """A number, None or a boolean as it is; the type of any other value."""
    if isinstance(value, bool | int | float):
        return repr(value)
    if is_coroutine_function(value):
        return "a coroutine function"
    if isinstance(value, str):
        return "a str" if value else "an empty str"
    return kind_of(value)
