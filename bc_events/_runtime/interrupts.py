"""Exceptions from outside: they are raised into running code that has not caused them.

A signal handler raises one wherever the main thread stands, for example Celery's soft time limit. A thread gets one
with `PyThreadState_SetAsyncExc`. It may be of any class, also of one that HTTP libraries take for a network failure.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from opcode import opmap
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

_OF_THE_NETWORK: Final = sys.stdlib_module_names | {"bc_events", "requests", "urllib3"}
_ENDS_OF_ITERATORS: Final = (GeneratorExit, StopAsyncIteration, StopIteration)
P = ParamSpec("P")
R = TypeVar("R")
_RAISES: Final = frozenset({opmap["RAISE_VARARGS"], opmap["RERAISE"]})


def raised_outside(error: BaseException, *, handled: BaseException | None) -> BaseException | None:
    """The exception from outside: `error`, or one from which it was made. None if there is none.

    `handled` is the exception that was being handled when the work began, so it cannot come from the work.
    """
    found = None  # the innermost one: urllib3 copies the traceback of the exception from which it makes its own
    for one in _made_of(error, {id(handled)}):
        if _is_of_signal_handler(one) or _is_injected(one, is_whole=one is error):
            found = one
    return found


def isolated(
    failed: Callable[[], object], work: Callable[P, R], /, *arguments: P.args, **options: P.kwargs
) -> R | None:
    """Calls foreign code, such as a log handler, whose exceptions must have no effect: they only call `failed`.

    An exception from outside propagates.
    """
    handled = sys.exception()
    try:
        return work(*arguments, **options)
    except Exception as error:  # noqa: BLE001  it may raise anything
        outside = raised_outside(error, handled=handled)
        if outside is None:
            failed()
            return None
    raise outside


def _made_of(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    yield from _made_of(error.__cause__, seen)
    yield from _made_of(error.__context__, seen)


def _is_of_signal_handler(error: BaseException) -> bool:
    """Python gives a signal handler the frame that it interrupts. Other functions do not get their caller's frame."""
    steps = [step.tb_frame for step in _steps(error)]
    return any(_is_given(called, caller) for caller, called in pairwise(steps))


def _is_given(called: FrameType, caller: FrameType) -> bool:
    values = list(called.f_locals.values())
    rest = [value for value in values if type(value) is tuple]
    return any(value is caller for group in (values, *rest) for value in group)


def _is_injected(error: BaseException, *, is_whole: bool) -> bool:
    """Whether the exception was injected: it has no arguments, or a class that the interrupted code does not know.

    It also comes from an instruction that does not raise. Errors of the system do so too, but they have arguments.
    """
    *_, last = (None, *_steps(error))
    if last is None or isinstance(error, _ENDS_OF_ITERATORS) or _raises(last):
        return False
    is_of_others = type(error).__module__.partition(".")[0] not in _OF_THE_NETWORK
    return not error.args or (is_of_others and (is_whole or isinstance(error, OSError)))


def _raises(step: TracebackType) -> bool:
    return step.tb_frame.f_code.co_code[step.tb_lasti] in _RAISES


def _steps(error: BaseException) -> Iterator[TracebackType]:
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next
