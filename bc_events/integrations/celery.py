"""Celery: one session a task, under the job and actor of the session that sent it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from bc_events._ambient.frames import unit_to_join
from bc_events._runtime import argument_checks as check, keywords
from bc_events.propagation import BROKER, Border

from ._celery_headers import arrived, beside, mark, of_request
from ._integration import Integration

try:
    from celery import Celery, current_task, signals
    from celery.app.trace import task_has_custom
    from celery.exceptions import Ignore
    from kombu.utils.imports import symbol_by_name
except ImportError as _error:
    raise ModuleNotFoundError(
        "bc_events.integrations.celery needs Celery, which is not installed: pip install celery", name="celery"
    ) from _error

from ._celery_late import around, fail_around, of_failed_task, request_with_session, told_late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from celery import Task
    from celery.app.task import Context

    from bc_events.client import EventClient

    from ._inbound_scope import InboundScope
    from ._on_delivery_error import OnDeliveryError

__all__ = ["install"]

_UID: Final = "bc_events"
_INTEGRATION: Final = "bc_events_integration"
_SCOPE: Final = "bc_events_scope"
_CALLED: Final = "bc_events_called"
_RUNS: Final = "bc_events_runs"
_KEPT: Final = (Ignore,)
"""How `replace` ends a task that has done its part."""


@keywords.checked
def install(
    app: Celery,
    *,
    client: EventClient | None = None,
    border: Border = BROKER,
    on_delivery_error: OnDeliveryError = "raise",
) -> None:
    """Gives the tasks of an application sessions. Call it once, where the application is made.

    Whatever is sent from a live session, or by Celery after a task (the next of a chain, a chord's body, a retry),
    carries its job and actor in message headers. Each task runs in a session of its own, which is flushed before the
    next of its chain is sent, and rolled back where the task fails, retries or is rejected. The task's hooks
    (`before_start`, `on_success`, `on_failure`, `on_retry`, `after_return`), its errbacks and the receivers of its
    signals are in the same session; what they publish is sent after them, whatever became of the task.

    Args:
        app: its tasks, those of `shared_task` included. A base class for tasks that run eagerly must derive from
            `app.Task`.
        client: by default the process's.
        border: the names of the headers; by default the actor is believed, as only services reach the broker.
        on_delivery_error: "raise" fails the task with the `DeliveryError`, which no `autoretry_for` retries; or "log",
            or a callable.
    """
    check.instance("app", app, Celery, example="the Celery application")
    tasks = _Tasks(app, Integration(client=client, border=border, on_delivery_error=on_delivery_error))
    app.send_task = tasks.carrying(app.send_task)
    finalized: Any = app.on_after_finalize
    finalized.connect(tasks.enclose, weak=False)
    # Before Celery 5.7 all `serve` methods counted as one receiver, so a second application had none.
    signals.worker_init.connect(tasks.serve, weak=False, dispatch_uid=(_UID, id(tasks)))
    signals.task_prerun.connect(_begin, weak=False, dispatch_uid=_UID)
    signals.task_postrun.connect(_end, weak=False, dispatch_uid=_UID)
    signals.task_internal_error.connect(fail_around, weak=False, dispatch_uid=_UID)
    signals.worker_init.connect(_end_last, weak=False, dispatch_uid=_UID)
    app.Task = _carrying_tasks(app.Task, tasks)
    if app.finalized:
        tasks.enclose()


class _Tasks:
    """The tasks of one application. The session of a task includes its hooks and errbacks; its body is a savepoint.

    The body is `run` or, where its class has one, `__call__`. The savepoint is around `autoretry_for`. It ends before
    Celery sends the next task of a chain.
    """

    def __init__(self, app: Celery, integration: Integration) -> None:
        self._app = app
        self._integration = integration

    def enclose(self, **_signal: object) -> None:
        for task in self._app.tasks.values():
            if not hasattr(task.run, _INTEGRATION):
                if task_has_custom(task, "__call__"):
                    task.__class__ = _with_enclosed_call(type(task), self._integration)
                task.run = _enclosed(task, self._integration)
                task.on_failure = told_late(task.on_failure, self._integration)

    def serve(self, **_signal: object) -> None:
        """Called when a worker starts: some tasks were registered after the application was finalized."""
        self.enclose()
        for task in self._app.tasks.values():
            if not hasattr(task.Request, _INTEGRATION):
                request = request_with_session(symbol_by_name(task.Request), self._integration)  # type: ignore[no-untyped-call]  # as above
                setattr(request, _INTEGRATION, self._integration)
                task.Request = request

    def carrying(self, send_task: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps the `send_task` of this application. Celery's signal would cover all applications."""

        @wraps(send_task)
        def carry(*args: Any, headers: Mapping[str, Any] | None = None, **options: Any) -> Any:
            return send_task(*args, headers=self.headers(headers, options.get("parent_id")), **options)

        return carry

    def headers(self, given: Mapping[str, Any] | None, parent_id: object = None) -> dict[str, Any]:
        """The headers of a message that is sent here. Given headers stay as they are."""
        carried: dict[str, str] = {}
        self._integration.inject(carried)
        if unit_to_join() is None:  # Celery sends it, after the task
            sender: Any = current_task.request if current_task else around.failed(parent_id)
            carried |= {} if sender is None else of_request(sender, self._integration.border)
        return beside(given or {}, carried)


def _carrying_tasks(base: type[Task], tasks: _Tasks) -> type[Task]:
    """The base class of the application's tasks."""

    class EventsTask(base):  # type: ignore[misc]  # Celery is not typed
        abstract = True

        def apply(self, *args: Any, **kwargs: Any) -> Any:
            """Where there is no worker, tasks may run without the application ever being finalized."""
            tasks.enclose()
            return super().apply(*args, **kwargs)

    if not hasattr(base, "apply_async_on_commit"):
        return EventsTask

    class EventsDjangoTask(EventsTask):
        """The job is read now, because the session may have ended when the transaction commits."""

        abstract = True

        def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
            self.apply_async_on_commit(args, kwargs)

        def apply_async_on_commit(self, *args: Any, headers: Mapping[str, Any] | None = None, **options: Any) -> None:
            task: Any = super()
            task.apply_async_on_commit(*args, headers=tasks.headers(headers), **options)

    return EventsDjangoTask


def _begin(*, task: Task, **_signal: object) -> None:
    """A worker or an eager call starts a task. Its session is live from here to its last hook."""
    around.request = None
    integration: Integration | None = getattr(task.run, _INTEGRATION, None)
    if integration is not None:
        request = task.request
        request.update({_SCOPE: integration.open(integration.extract(arrived(request, integration)))})
        mark(request, integration)


def _end(*, task: Task, **_signal: object) -> None:
    """The task has its result, so a `DeliveryError` of its hooks' events is only logged."""
    scope: InboundScope | None = task.request.get(_SCOPE)
    if scope is not None:
        scope.close_late()


def _end_last(**_signal: object) -> None:
    """Moves `_end` behind the application's own receivers, which are connected while the worker imports its modules."""
    signals.task_postrun.disconnect(dispatch_uid=_UID)
    signals.task_postrun.connect(_end, weak=False, dispatch_uid=_UID)


def _enclosed(task: Task, integration: Integration) -> Callable[..., Any]:
    run = task.run

    @wraps(run)
    def run_within(*args: Any, **kwargs: Any) -> Any:
        request = task.request
        if request.called_directly:
            with of_failed_task(args, integration):
                return run(*args, **kwargs)
        if request.get(_RUNS):
            return run(*args, **kwargs)
        with _part(request, _RUNS, is_body=not request.get(_CALLED)):
            return run(*args, **kwargs)

    setattr(run_within, _INTEGRATION, integration)
    return run_within


def _with_enclosed_call(base: type[Task], integration: Integration) -> type[Task]:
    """The class of a task whose `__call__` does more than to call `run`, which may also fail."""

    class Called(base):  # type: ignore[misc]  # as above
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            request = self.request
            if request.called_directly:
                with of_failed_task(args, integration):
                    return super().__call__(*args, **kwargs)
            if request.get(_CALLED):
                return super().__call__(*args, **kwargs)
            with _part(request, _CALLED, is_body=True):
                return super().__call__(*args, **kwargs)

    called: Any = Called
    called.__name__, called.__qualname__, called.__module__ = base.__name__, base.__qualname__, base.__module__
    return Called


@contextmanager
def _part(request: Context, name: str, *, is_body: bool) -> Iterator[None]:
    """A savepoint around a part of the task; the body's events are sent at its end."""
    scope: Any = request.get(_SCOPE)
    request.update({name: True})
    try:
        with scope.body(commit_on=_KEPT) if is_body else scope.savepoint(commit_on=_KEPT):
            yield
    finally:
        request.update({name: False})
