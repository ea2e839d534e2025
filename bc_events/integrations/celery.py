"""Celery: one session a task, under the job and actor of the session that sent it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from bc_events.frames import unit_to_join
from bc_events.propagation import BROKER, Border, extract, inject

from .edge import Edge, OnDeliveryError

try:
    from celery import current_task, signals
    from celery.exceptions import Ignore
except ImportError as error:
    raise ModuleNotFoundError(
        "bc_events.integrations.celery needs Celery, which is not installed: pip install celery", name="celery"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from celery import Celery, Task
    from celery.app.task import Context

    from bc_events.client import EventClient

__all__ = ["install"]

_WITHIN: Final = "bc_events_within"


def install(
    app: Celery,
    *,
    client: EventClient | None = None,
    border: Border = BROKER,
    on_delivery_error: OnDeliveryError = "raise",
) -> None:
    """Call it once for an application, where it is made.

    Whatever is sent from a live session, or by Celery after a task (the next of a chain, a chord's body, a retry),
    carries its job and actor in message headers. Each task runs in a session of its own, which is flushed before the
    next of its chain is sent, and rolled back where the task fails, retries or is rejected.

    Args:
        app: its tasks, those of `shared_task` included. A base class for tasks that run eagerly is to derive from
            `app.Task`.
        client: by default the process's.
        border: the names of the headers; by default the actor is believed, as only services reach the broker.
        on_delivery_error: "raise" fails the task with the `DeliveryError`, which no `autoretry_for` retries; or "log",
            or a callable.
    """
    tasks = _Tasks(app, Edge(client=client, border=border, on_delivery_error=on_delivery_error))
    app.send_task = tasks.carrying(app.send_task)
    finalized: Any = app.on_after_finalize
    finalized.connect(tasks.enclose, weak=False)
    signals.worker_init.connect(tasks.enclose, weak=False)  # some were registered after the application was finalized
    app.Task = _eagerly_enclosed(app.Task, tasks)
    if app.finalized:
        tasks.enclose()


class _Tasks:
    """The tasks of one application, to each of which a session is put around `run`.

    That is outside of Celery's own `autoretry_for`, and inside of what sends the next of a chain.
    """

    def __init__(self, app: Celery, edge: Edge) -> None:
        self._app = app
        self._edge = edge

    def enclose(self, **_signal: object) -> None:
        for task in self._app.tasks.values():
            if not hasattr(task.run, _WITHIN):
                task.run = _enclosed(task, self._edge)

    def carrying(self, send_task: Callable[..., Any]) -> Callable[..., Any]:
        """What sends all messages of this application. The signal before it is of all applications of a process."""

        @wraps(send_task)
        def carry(*args: Any, headers: Mapping[str, Any] | None = None, **options: Any) -> Any:
            return send_task(*args, headers={**self._carried(), **(headers or {})}, **options)

        return carry

    def _carried(self) -> dict[str, str]:
        carried: dict[str, str] = {}
        inject(carried, self._edge.border)
        if unit_to_join() is None and current_task:  # by Celery, after the task
            sender: Any = current_task.request
            carried |= _headers(sender, self._edge.border)
        return carried


def _eagerly_enclosed(base: type[Task], tasks: _Tasks) -> type[Task]:
    """The application's base of tasks: where there is no worker, they may run without it ever being finalized."""

    class EventsTask(base):  # type: ignore[misc]  # Celery is not typed
        abstract = True

        def apply(self, *args: Any, **kwargs: Any) -> Any:
            tasks.enclose()
            return super().apply(*args, **kwargs)

    return EventsTask


def _enclosed(task: Task, edge: Edge) -> Callable[..., Any]:
    run = task.run

    @wraps(run)
    def run_within(*args: Any, **kwargs: Any) -> Any:
        request = task.request
        if request.called_directly or request.get(_WITHIN):
            return run(*args, **kwargs)
        with edge.session(extract(_arrived(request, edge.border), edge.border), commit_on=(Ignore,)):
            _mark(request, edge.border)
            return run(*args, **kwargs)

    setattr(run_within, _WITHIN, edge)
    return run_within


def _arrived(request: Context, border: Border) -> dict[str, str]:
    """The headers a task came with; where it runs eagerly, within its caller, those that it would have come with."""
    carried: dict[str, str] = {}
    if request.is_eager:
        inject(carried, border)
    return carried | _headers(request, border)


def _headers(request: Context, border: Border) -> dict[str, str]:
    """Custom headers are in `headers`, or on the request itself (celery/celery#4875)."""
    names = [border.job_id, border.actor_id, border.actor_type, "baggage"]
    found = {name: (request.headers or {}).get(name) or request.get(name) for name in names if name is not None}
    return {name: value for name, value in found.items() if value is not None}


def _mark(request: Context, border: Border) -> None:
    """What Celery sends for this task from here on belongs to its job, also where that is new."""
    carried: dict[str, str] = {}
    inject(carried, border)
    request.update({_WITHIN: True, "headers": {**(request.headers or {}), **carried}})
