"""Use a scope as a decorator, on every kind of function."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from . import deferred, invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .invocation import Runner, Scope

P = ParamSpec("P")
R = TypeVar("R")
_FLAGS: Final = (
    (inspect.CO_ASYNC_GENERATOR, invocation.async_generator),
    (inspect.CO_COROUTINE, invocation.coroutine),
    (inspect.CO_ITERABLE_COROUTINE, invocation.iterable_coroutine),
    (inspect.CO_GENERATOR, invocation.generator),
)
_ANYTHING: Final = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
_COMPUTES_ON_ACCESS: Final = (property, functools.cached_property)


def decorate(scope: Scope, function: Callable[P, R]) -> Callable[P, R]:
    """`function` with `scope` open around each call: around each run of a coroutine, during each step of a generator.

    Raises TypeError for a class, for an object that is neither a function nor a method, and for a function whose result
    begins its work after the call, such as a context manager.
    """
    decorated: Callable[P, R] = _decorated(scope, function)
    return decorated


def _decorated(scope: Scope, function: Any) -> Any:
    if type(function) in (classmethod, staticmethod):
        return type(function)(_decorated(scope, function.__func__))
    _refuse(function)
    deferred.refuse_function(function)
    run_of = functools.partial(_run_of, scope, function)
    if type(function) is types.FunctionType:
        return _in_place_of(function, run_of(function))
    from .descriptors import DecoratedObject  # noqa: PLC0415  loads wrapt, which plain functions do not need

    return DecoratedObject(function, run_of)


def _in_place_of(function: types.FunctionType, run: Any) -> Any:
    """`run`, made to look like `function` to frameworks that inspect it.

    It gets the globals of `function`, where FastAPI looks up annotations. It gets the signature, because Celery calls
    `inspect.getfullargspec`, which does not follow `__wrapped__`. A function that takes only `*args` and `**kwargs`
    keeps none: a `functools.wraps` above this decorator may then supply the signature of another function.
    """
    stand_in = types.FunctionType(run.__code__, function.__globals__, run.__name__, None, run.__closure__)
    functools.update_wrapper(stand_in, function)
    with suppress(Exception):  # annotations may refer to names that are defined later
        signature = _signature_of(function)
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        if not kinds or kinds - _ANYTHING:
            stand_in.__signature__ = signature  # type: ignore[attr-defined]  # a function may have this attribute
    return stand_in


def _signature_of(function: types.FunctionType) -> inspect.Signature:
    """With annotations as objects, where they can be evaluated: `inspect.signature` returns a `__signature__` as it is.

    Typer asks it for objects (`eval_str=True`), and does not find an option in the text of an annotation.
    """
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # noqa: BLE001  evaluating text may raise anything
        return inspect.signature(function)


def _run_of(scope: Scope, declared: Any, function: Any) -> Callable[..., Any]:
    """The function that runs `function` in the scope. `function` is `declared`, or a method that `declared` made."""
    runner = _runner_of(function)
    if runner is invocation.function:
        runner = _runner_of(declared)
    return runner(scope, function, *_bound_to(function))


def _refuse(function: Any) -> None:
    if type(function).__module__.partition(".")[0] == "celery":  # a worker would call the task itself
        raise TypeError(
            "this is a Celery task, whose workers pass by what is above @app.task; decorate below @app.task"
        )
    if inspect.isclass(function):
        raise TypeError(
            f"{function.__qualname__} is a class; decorate the methods that do the work, or __init__, not the class"
        )
    if not _is_decorable(function):
        raise TypeError(
            f"an object of type {type(function).__name__} cannot be decorated; decorate a function, not the result of "
            "its call, and write the decorator with its parentheses, as in @events.session(), directly above the def"
        )


def _is_decorable(function: object) -> bool:
    """Whether it can be called, or makes methods. A property cannot: it works before a scope could be opened."""
    if isinstance(function, _COMPUTES_ON_ACCESS):
        return False
    return callable(function) or (hasattr(function, "__get__") and not hasattr(function, "__set__"))


def _bound_to(function: Any) -> tuple[Any, ...]:
    """The object or class to which a bound method is bound, as a tuple; empty for other functions."""
    owner = None if inspect.isbuiltin(function) else getattr(function, "__self__", None)
    return () if owner is None else (owner,)


def _runner_of(function: Any) -> Runner:
    for declared in _declarations(function):
        for flag, runner in _FLAGS:
            if _has_flag(declared, flag):
                return runner
        if _is_marked(declared):
            return invocation.coroutine
    return invocation.function


def _declarations(function: Any) -> Iterator[Any]:
    """The objects whose flags may tell the kind of this function: itself, what its partials wrap, its `__call__`."""
    yield function
    while isinstance(function, functools.partial | functools.partialmethod):
        function = function.func
        yield function
    if not isinstance(function, types.FunctionType | types.MethodType):
        yield getattr(type(function), "__call__", None)  # noqa: B004  the function itself is needed, not whether there is one


def _has_flag(function: Any, flag: int) -> bool:
    flags = getattr(getattr(function, "__code__", None), "co_flags", None)
    return isinstance(flags, int) and bool(flags & flag)


def _is_marked(function: Any) -> bool:
    """Whether it is marked as a coroutine function: by `inspect.markcoroutinefunction`, asgiref or Cython."""
    if inspect.iscoroutinefunction(function):
        return True
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(function, "_is_coroutine", None) is mark
