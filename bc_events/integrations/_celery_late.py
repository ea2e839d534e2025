"""Sessions for code of a task that runs after the task's session has ended, or in another process than the task."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from celery.app.task import Context

from bc_events._ambient.frames import unit_to_join

from ._celery_headers import begin_job, of_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from celery.worker.request import Request

    from ._integration import Integration


class _Around(threading.local):
    """The task of this thread whose result could not be stored, after its session had ended.

    Celery then calls the errbacks and `on_failure`, maybe for the second time, and no task is current.
    """

    request: Context | None = None

    def failed(self, task_id: object) -> Context | None:
        return self.request if self.request is not None and self.request.id == task_id else None


around: Final = _Around()


def fail_around(*, request: Mapping[str, Any] | None, **_signal: object) -> None:
    around.request = Context(request or {})


def told_late(on_failure: Callable[..., Any], integration: Integration) -> Callable[..., Any]:
    """A task's `on_failure`. It gets a session also where Celery calls it after the task's session has ended."""

    @wraps(on_failure)
    def tell(exc: BaseException, task_id: str, *args: Any, **kwargs: Any) -> Any:
        request = around.failed(task_id)
        with nullcontext() if request is None else late_session(request, integration):
            return on_failure(exc, task_id, *args, **kwargs)

    return tell


def request_with_session(base: type[Request], integration: Integration) -> type[Request]:
    """The class of requests with which a worker's main process runs the hooks, errbacks and signals of a task: if its
    process was killed, or if the task is revoked or cancelled.

    Celery lets tasks have a class of requests of their own for this.
    """

    class EventsRequest(base):  # type: ignore[misc]  # Celery is not typed
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            begin_job(self.request_dict, integration)

        def on_timeout(self, soft: Any, timeout: Any) -> Any:
            with late_session(self._context, integration):
                return super().on_timeout(soft, timeout)

        def on_failure(self, *args: Any, **kwargs: Any) -> Any:
            with late_session(self._context, integration):
                return super().on_failure(*args, **kwargs)

        def _announce_revoked(self, *args: Any, **kwargs: Any) -> Any:
            with late_session(self._context, integration):
                return super()._announce_revoked(*args, **kwargs)

        def _announce_cancelled(self, *args: Any, **kwargs: Any) -> Any:
            with late_session(self._context, integration):
                return super()._announce_cancelled(*args, **kwargs)

    return EventsRequest


@contextmanager
def late_session(request: Context, integration: Integration) -> Iterator[None]:
    """A session with the task's job and actor, after its end. Its events are always sent."""
    scope = integration.open(integration.extract(of_request(request, integration.border)))
    try:
        yield
    finally:
        scope.close_late()


def of_failed_task(args: tuple[Any, ...], integration: Integration) -> AbstractContextManager[object]:
    """The session of an errback of a task that never began in this process."""
    if args and isinstance(args[0], Context) and unit_to_join() is None:
        request = around.failed(args[0].id) or args[0]
        return late_session(request, integration)
    return nullcontext()
