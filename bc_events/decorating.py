"""Any scope as a decorator, for every kind of function there is."""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from operator import attrgetter
from pickle import PicklingError
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import wrapt

P = ParamSpec("P")
R = TypeVar("R")
Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]
_DEFERRED: Final = frozenset({types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType})


class Opening(Protocol):
    """One use of a scope. `error` is the exception its body ended with, if any; closing may raise one of its own."""

    def close(self, error: BaseException | None, /) -> None: ...
    async def aclose(self, error: BaseException | None, /) -> None: ...
    def suspend(self) -> None:
        """Takes it, and what was opened within it, out of the ambient state: a generator is about to yield."""

    def resume(self) -> None:
        """Puts back what `suspend` took out."""


class Scope(Protocol):
    """Something that can be open around a call. It keeps no state: each call has an opening of its own."""

    def open(self, args: Args, kwargs: Kwargs, /) -> Opening:
        """Opens it around a call with these arguments, `self` or `cls` included."""
        ...


def decorate(scope: Scope, function: Callable[P, R]) -> Callable[P, R]:
    """`function` with `scope` open around each call: around each run of a coroutine, during each step of a generator.

    Raises TypeError for a class, and for what no call runs.
    """
    if inspect.isclass(function):
        raise TypeError(
            f"{function.__qualname__} is a class; decorate the methods that do the work, or __init__, not the class"
        )
    if not _is_decorable(function):
        raise TypeError(
            f"an object of type {type(function).__name__} cannot be decorated; write the decorator with its "
            "parentheses, as in @events.session(), directly above the def"
        )
    wrapped: Callable[P, R] = _Decorated(function, functools.partial(_driver_of(function), scope))
    return wrapped


def _is_decorable(function: object) -> bool:
    """A descriptor may make methods, and need not be callable itself; a property makes none."""
    if isinstance(function, property | functools.cached_property):
        return False
    return callable(function) or hasattr(function, "__get__")


def _driver_of(function: Any) -> Callable[..., Any]:
    plain = _plain(function)
    if inspect.isasyncgenfunction(plain):
        return _around_async_generator
    if inspect.iscoroutinefunction(plain):
        return _around_coroutine
    if inspect.isgeneratorfunction(plain):
        return _around_generator
    return _around_call


def _plain(function: Any) -> Any:
    """The function itself, under partials, classmethod, staticmethod and `__call__`."""
    if isinstance(function, functools.partial | functools.partialmethod):
        return _plain(function.func)
    if isinstance(function, classmethod | staticmethod):
        return _plain(function.__func__)
    if inspect.isroutine(function) or not callable(function):
        return function
    return type(function).__call__


def _call_args(instance: Any, args: Args) -> Args:
    return args if instance is None else (instance, *args)


def _around_call(scope: Scope, wrapped: Callable[..., R], instance: Any, args: Args, kwargs: Kwargs) -> R:
    opening = scope.open(_call_args(instance, args), kwargs)
    try:
        result = wrapped(*args, **kwargs)
        if type(result) in _DEFERRED:
            raise _undeclared(wrapped, result)
    except BaseException as error:
        opening.close(error)
        raise
    opening.close(None)
    return result


def _undeclared(wrapped: Callable[..., object], result: Any) -> TypeError:
    kind = "an async generator" if inspect.isasyncgen(result) else f"a {type(result).__name__}"
    if not inspect.isasyncgen(result):
        result.close()
    name = getattr(wrapped, "__qualname__", repr(wrapped))
    return TypeError(
        f"{name} returned {kind} but is not declared as a function that does, so its scope would end before its body "
        "runs; put this decorator directly above the def, below the decorators that hide it"
    )


async def _around_coroutine(
    scope: Scope, wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs
) -> Any:
    opening = scope.open(_call_args(instance, args), kwargs)
    try:
        result = await wrapped(*args, **kwargs)
    except BaseException as error:
        await opening.aclose(error)
        raise
    await opening.aclose(None)
    return result


def _around_generator(scope: Scope, wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs) -> Any:
    return _stepwise(scope, wrapped(*args, **kwargs), _call_args(instance, args), kwargs)


def _stepwise(
    scope: Scope, generator: Generator[Any, Any, Any], args: Args, kwargs: Kwargs
) -> Generator[Any, Any, Any]:
    opening = scope.open(args, kwargs)
    step: Callable[[], Any] = functools.partial(next, generator)
    close: Callable[[], Any] = generator.close  # which returns a value from Python 3.13 on
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
                result = close()
                break
            except BaseException as error:  # noqa: BLE001  whatever was thrown in is thrown on
                opening.resume()
                step = functools.partial(generator.throw, error)
            else:
                opening.resume()
                step = functools.partial(generator.send, sent)
    except BaseException as error:
        opening.close(error)
        raise
    opening.close(closing)
    return result


def _around_async_generator(
    scope: Scope, wrapped: Callable[..., Any], instance: Any, args: Args, kwargs: Kwargs
) -> Any:
    return _stepwise_async(scope, wrapped(*args, **kwargs), _call_args(instance, args), kwargs)


async def _stepwise_async(
    scope: Scope, generator: AsyncGenerator[Any, Any], args: Args, kwargs: Kwargs
) -> AsyncGenerator[Any, Any]:
    opening = scope.open(args, kwargs)
    step: Callable[[], Any] = generator.__anext__
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
                await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001  whatever was thrown in is thrown on
                opening.resume()
                step = functools.partial(generator.athrow, error)
            else:
                opening.resume()
                step = functools.partial(generator.asend, sent)
    except BaseException as error:
        await opening.aclose(error)
        raise
    await opening.aclose(None)


class _BoundDecorated(wrapt.BoundFunctionWrapper[..., Any]):
    """A decorated method; pickled as its object or class and its name, or by reference where it has neither."""

    def __reduce__(self) -> tuple[Any, ...]:
        owner = getattr(self.__wrapped__, "__self__", None)
        return (_named, (self.__module__, _reference(self))) if owner is None else (getattr, (owner, self.__name__))

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()


class _Decorated(wrapt.FunctionWrapper[..., Any]):
    """A decorated function; pickled and copied by reference, as any function is."""

    __bound_function_wrapper__ = _BoundDecorated

    def __reduce__(self) -> str:
        return _reference(self)

    def __reduce_ex__(self, _protocol: Any) -> str:
        return self.__reduce__()

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: Any) -> Any:
        return self


def _named(module: str, qualname: str) -> Any:
    return attrgetter(qualname)(importlib.import_module(module))


def _reference(function: Any) -> str:
    name: str | None = getattr(function, "__qualname__", None)
    if name is None:
        raise PicklingError(f"{function!r} has no name of its own to be pickled by; decorate a def instead")
    return name
