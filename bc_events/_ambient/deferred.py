"""Refuse results whose work begins after the call, such as coroutines: the scope of the call has ended by then."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Final

_REMEDIES: Final = {
    "a context manager": "put this decorator below the one that makes the context manager, directly above the def",
    "an awaitable": "put this decorator on an async def that awaits it",
    "a lazy iterator": "return a list, or put this decorator directly above a generator function",
}
_COLLECTIONS: Final[tuple[Any, ...]] = ([], (), "", "\u0100", b"", bytearray(), set(), {}, {}.values(), {}.items())
_STORED: Final = frozenset(map(type, (*map(iter, (*_COLLECTIONS, range(0), range(2**64))), reversed([]), reversed({}))))
"""Iterators over stored values: no work is left to do."""


@contextlib.contextmanager
def _sync() -> Generator[None]:
    yield


@contextlib.asynccontextmanager
async def _async() -> AsyncGenerator[None]:
    yield


_MANAGERS: Final = {helper.__code__ for helper in (_sync, _async)}


def refuse_function(function: Any) -> None:
    """Raises TypeError for a function that is known, without a call, to return such a result."""
    target = function
    while isinstance(target, functools.partial):
        target = target.func
    kind = _kind(target) if inspect.isclass(target) else None
    if getattr(target, "__code__", None) in _MANAGERS:
        kind = "a context manager"
    if kind is not None:
        raise _refusal(function, "returns", kind)


def refuse_result(function: Callable[..., object], result: object, *, may_have_started: bool) -> None:
    """Raises TypeError for a result whose work begins later. It closes a coroutine: no other code has it yet.

    `may_have_started` permits futures: their work runs in the context in which it was started.
    """
    kind = _kind(type(result))
    if kind is None or (may_have_started and _is_future(result)):
        return
    if isinstance(result, Coroutine | Generator):
        result.close()
    raise _refusal(function, "returned", kind)


def _refusal(function: object, verb: str, kind: str) -> TypeError:
    name = getattr(function, "__qualname__", None) or f"a {type(function).__name__}"
    remedy = _REMEDIES.get(kind, "put this decorator directly above the def, below the decorators that hide it")
    return TypeError(f"{name} {verb} {kind}, whose work begins after this decorator's scope has ended; {remedy}")


def _kind(result: type) -> str | None:
    """The kind of result that this type is, with its article; None where its work does not begin later.

    A class without a hash counts as one of stored values, because no abstract base class can look it up.
    """
    return _found_kind(result) if callable(type(result).__hash__) else None


@functools.lru_cache(maxsize=512)
def _found_kind(result: type) -> str | None:
    if issubclass(result, AsyncGenerator):
        return "an async generator"
    if issubclass(result, Coroutine | Generator):
        return f"a {result.__name__}"
    if hasattr(result, "__await__"):
        return "an awaitable"
    if result in _STORED or _has_more_to_it(result):
        return None
    if hasattr(result, "__enter__") or hasattr(result, "__aenter__"):
        return "a context manager"
    return "a lazy iterator" if hasattr(result, "__next__") or hasattr(result, "__anext__") else None


def _has_more_to_it(result: type) -> bool:
    """Whether it has other public methods, like a file, a cursor or a response, whose work has begun already."""
    is_scope = hasattr(result, "open") and result.__module__.startswith("bc_events.")
    has_public_name = any(not name.startswith("_") for name in dir(result))
    return has_public_name and not is_scope and result.__module__ != "itertools"


def _is_future(result: object) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and bool(asyncio.isfuture(result))
