"""Runners: for each kind of function, open a scope, run the function, and close the scope.

A runner returns a plain Python function of the same kind. So frameworks that inspect, copy or pickle functions treat it
like the decorated one. It uses no global names, because it gets the globals of the decorated function.
"""

from __future__ import annotations

import functools
import types
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar

from . import deferred

P = ParamSpec("P")
R = TypeVar("R")
Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Opening(Protocol):
    """One use of a scope. `error` is the exception that ended its body, if any. Closing may raise another one."""

    def close(self, error: BaseException | None, /) -> None: ...
    async def aclose(self, error: BaseException | None, /) -> None: ...
    def suspend(self) -> None:
        """Before a generator yields: takes the scope, and those opened within it, out of the ambient state."""

    def resume(self) -> None:
        """After the yield: puts back all that `suspend` took out."""


class Scope(Protocol):
    """It can be opened around a call. It keeps no state of a call: each call makes a new opening."""

    outlasts_call: ClassVar[bool]
    """Whether tasks that the call has started may continue in it after the call."""

    def open(self, args: Args, kwargs: Kwargs, /) -> Opening:
        """Opens it around a call with these arguments, `self` or `cls` included."""
        ...


class Runner(Protocol):
    """Makes the function that runs another one in a scope."""

    def __call__(self, scope: Scope, function: Callable[..., Any], /, *bound_to: Any) -> Callable[..., Any]:
        """`bound_to` is the object or class of a method, if any. It becomes the first argument of `Scope.open`."""
        ...


def function(scope: Scope, function: Callable[..., R], /, *bound_to: Any) -> Callable[..., R]:
    refuse = deferred.refuse_result

    def run(*args: Any, **kwargs: Any) -> R:
        opening = scope.open((*bound_to, *args), kwargs)
        try:
            result = function(*args, **kwargs)
            if result is not None:
                refuse(function, result, may_have_started=scope.outlasts_call)
        except BaseException as error:
            opening.close(error)
            raise
        opening.close(None)
        return result

    return run


def coroutine(scope: Scope, function: Callable[..., Any], /, *bound_to: Any) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        opening = scope.open((*bound_to, *args), kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            await opening.aclose(error)
            raise
        await opening.aclose(None)
        return result

    return run


def iterable_coroutine(scope: Scope, function: Callable[..., Any], /, *bound_to: Any) -> Callable[..., Any]:
    """For a generator function that `types.coroutine` has made awaitable."""
    awaited = coroutine(scope, function, *bound_to)

    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from awaited(*args, **kwargs).__await__())

    return types.coroutine(run)


def generator(scope: Scope, function: Callable[..., Any], /, *bound_to: Any) -> Callable[..., Any]:
    partial = functools.partial

    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        steps = function(*args, **kwargs)
        opening = scope.open((*bound_to, *args), kwargs)
        step: Callable[[], Any] = partial(next, steps)
        closing: GeneratorExit | None = None
        try:
            while True:
                try:
                    yielded = step()
                except StopIteration as stop:
                    result = stop.value
                    break
                opening.suspend()
                try:
                    sent = yield yielded
                except GeneratorExit as error:
                    opening.resume()
                    closing = error
                    result = steps.close()  # from Python 3.13 on, `close` returns a value
                    break
                except BaseException as error:  # noqa: BLE001  it is thrown into the generator
                    opening.resume()
                    step = partial(steps.throw, error)
                else:
                    opening.resume()
                    step = partial(steps.send, sent)
        except BaseException as error:
            opening.close(error)
            raise
        opening.close(closing)
        return result

    return run


def async_generator(scope: Scope, function: Callable[..., Any], /, *bound_to: Any) -> Callable[..., Any]:
    partial = functools.partial

    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = function(*args, **kwargs)
        opening = scope.open((*bound_to, *args), kwargs)
        step: Callable[[], Any] = steps.__anext__
        try:
            while True:
                try:
                    yielded = await step()
                except StopAsyncIteration:
                    break
                opening.suspend()
                try:
                    sent = yield yielded
                except GeneratorExit:
                    opening.resume()
                    await steps.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001  it is thrown into the generator
                    opening.resume()
                    step = partial(steps.athrow, error)
                else:
                    opening.resume()
                    step = partial(steps.asend, sent)
        except BaseException as error:
            await opening.aclose(error)
            raise
        await opening.aclose(None)

    return run
