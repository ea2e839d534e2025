"""The threads on which async scopes flush: a small executor of our own, so a full default one delays no flush."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from bc_events._runtime import forks, logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from .delivery import Runner

_MOST_THREADS: Final = 16
_logger = logs.logger
_executor: ThreadPoolExecutor | None = None


def _forget() -> None:
    global _executor  # noqa: PLW0603  its threads did not survive the fork
    _executor = None


forks.after_fork(_forget)


def _threads() -> ThreadPoolExecutor:
    global _executor  # noqa: PLW0603  one pool a process, made when first needed
    if _executor is None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a shutdown forbids its import

        _executor = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="bc-events-flush")
    return _executor


class _Once:
    """Work that is done once: by the thread that has it in its queue, or by the caller, if that comes first."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._claim = threading.Lock()

    def is_mine(self) -> bool:
        """Whether the caller is the first to ask. Then the caller must do the work."""
        return self._claim.acquire(blocking=False)

    def __call__(self) -> None:
        if self.is_mine():
            self._work()


async def run(work: Callable[[], None], *, runner: Runner | None = None) -> None:
    """Runs `work` on a thread and waits for its end, cancelled or not; a cancellation then goes on.

    If the work fails too, the cancellation is raised from its error, which is logged. If no thread can be started, the
    work is done here, and blocks the event loop. An executor may still have it in its queue, and later finds it done.
    The work is also done here if `runner` fails, is cancelled, or ends without having begun it.

    Args:
        runner: another way to run the work. It returns when the work is done.
    """
    once = _Once(work)
    try:
        await (runner or _run)(once)
    except Exception:
        if not once.is_mine():
            raise
        work()
    except BaseException as stop:
        if not once.is_mine():
            raise
        raise stop from _failure_of(work)
    else:
        once()


def _failure_of(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except Exception as failure:  # noqa: BLE001  it is logged, and the cancellation is raised from it
        _report(failure)
        return failure
    return None


async def _run(work: Callable[[], None]) -> None:
    if _is_asyncio():
        await finished(asyncio.wrap_future(_threads().submit(work)))
    else:
        await _run_under_anyio(work)


def _is_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def finished(running: asyncio.Future[None]) -> None:
    """Waits for the end of a flush that runs already, as `run` does."""
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    failure = running.exception()
    if cancelled is not None:
        _report(failure)
        raise cancelled from failure
    if failure is not None:
        raise failure


async def _run_under_anyio(work: Callable[[], None]) -> None:
    import anyio  # noqa: PLC0415  only where the event loop is not asyncio's
    import anyio.lowlevel  # noqa: PLC0415
    import anyio.to_thread  # noqa: PLC0415

    failure: Exception | None = None
    try:
        with anyio.CancelScope(shield=True):  # a thread is not even started where a cancellation is pending
            await anyio.to_thread.run_sync(work)
    except Exception as error:  # noqa: BLE001  raised again below, unless the task is cancelled
        failure = error
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
    except BaseException as cancelled:
        _report(failure)
        raise cancelled from failure
    if failure is not None:
        raise failure


def _report(failure: BaseException | None) -> None:
    if failure is not None:
        _logger.error("a flush failed while its task was cancelled", exc_info=failure)
