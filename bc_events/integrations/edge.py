"""Edge: where work enters a service. It gets a session of its own, with the job and actor that came with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from bc_events import jobs
from bc_events.constants import LOGGER_NAME
from bc_events.errors import ConfigurationError, DeliveryError, FailedWorkError
from bc_events.frames import current_session, innermost
from bc_events.propagation import HTTP, Border, Inbound
from bc_events.scope import Bound, SessionScope

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession

OnDeliveryError = Literal["raise", "log"] | Callable[[DeliveryError], object]
_logger = logging.getLogger(LOGGER_NAME)


class FailedResponseError(FailedWorkError):
    """An application answered with a status of failure. It ends the session as an exception would; nobody raises it."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__(
            f"the application answered with status {status}" if status else "the application did not answer"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What one edge of a service is told once.

    Args:
        client: by default the process's (`events.configure`, or BC_EVENTS_*), looked up for each piece of work.
        border: which names carry the job and the actor, and which of them are believed.
        on_delivery_error: what becomes of a `DeliveryError` after work that went well: "raise", "log", or a callable
            that is given it.
    """

    client: EventClient | None = None
    border: Border = HTTP
    on_delivery_error: OnDeliveryError = "raise"

    def __post_init__(self) -> None:
        if self.on_delivery_error not in ("raise", "log") and not callable(self.on_delivery_error):
            raise ConfigurationError(
                f"on_delivery_error is {self.on_delivery_error!r}; "
                'give "raise", "log", or a callable that takes the DeliveryError'
            )

    def open(
        self,
        inbound: Inbound,
        *,
        actor: Actor | LazyActor | None = None,
        commit_on: tuple[type[BaseException], ...] = (),
    ) -> Work:
        """Opens a session, which its caller closes. An `actor` that the service knows goes before the one inbound."""
        return Work(self, inbound.job_id, actor or inbound.actor, commit_on)

    @contextmanager
    def session(self, inbound: Inbound, *, commit_on: tuple[type[BaseException], ...] = ()) -> Iterator[EventSession]:
        """A session around a block."""
        work = self.open(inbound, commit_on=commit_on)
        try:
            yield work.session
        except BaseException as error:
            work.close(error)
            raise
        work.close(None)

    def report(self, error: DeliveryError) -> None:
        """Does with a `DeliveryError` what this edge was told to."""
        if self.on_delivery_error == "raise":
            raise error
        if callable(self.on_delivery_error):
            self.on_delivery_error(error)
            return
        _logger.error(
            "work went well and some of its events were not delivered",
            extra={
                "bc_job_id": error.undelivered[0].event.job_id if error.undelivered else None,
                "bc_undelivered": [f"{item.event} {item.event.id} {item.outcome}" for item in error.undelivered],
            },
        )


def _job_apart() -> str | None:
    """A new job where a session is around, as it stands in baggage; else None, so that baggage from outside counts."""
    return None if innermost() is None else jobs.generated()


class Work:
    """One piece of work. It joins no session that is live where it comes in, and has none of its job.

    That one is the caller's to end, or of another request: a server may start one request's task in the context of the
    one before it on the same connection, as uvicorn does (python/cpython#140947).
    """

    __slots__ = ("_apart", "_edge", "_opening", "session")

    def __init__(
        self,
        edge: Edge,
        job_id: str | None,
        actor: Actor | LazyActor | None,
        commit_on: tuple[type[BaseException], ...],
    ) -> None:
        scope = SessionScope(
            job_id or _job_apart(),
            None if actor is None else lambda _: actor,
            edge.client,
            durable=False,
            commit_on=commit_on,
        )
        self._edge = edge
        self._apart = Bound(None).open((), {})
        try:
            self._opening = scope.open((), {})
        except BaseException:
            self._apart.close(None)
            raise
        self.session = current_session()

    def suspend(self) -> None:
        """Takes the session out of the ambient state, until `resume`, which may be called on another thread."""
        self._apart.suspend()

    def resume(self) -> None:
        self._apart.resume()

    def settle(self, failure: FailedResponseError | None) -> None:
        """A response is about to start: sends what is pending, or drops it because of a failure, and goes on."""
        self._reporting(partial(self._settle, failure))

    async def asettle(self, failure: FailedResponseError | None) -> None:
        """`settle`, off the event loop."""
        if not self.session.events:
            return
        from bc_events import workers  # noqa: PLC0415  loads asyncio, which edges without it do not pay for

        run, context = self.session.client.delivery.runner or workers.run, copy_context()
        try:
            await run(lambda: context.run(self._settle, failure))
        except DeliveryError as error:
            self._edge.report(error)

    def _settle(self, failure: FailedResponseError | None) -> None:
        if failure is None:
            self.session.flush()
            return
        dropped = self.session.unit.rollback(spares_held=True)
        if dropped:
            _logger.warning(
                "a response was one of failure; the events before it were dropped",
                extra={"bc_job_id": self.session.job_id, "bc_dropped": dropped, "bc_status": failure.status},
            )

    def close(self, error: BaseException | None) -> None:
        """Ends the session: sends what is pending, or drops it because of `error`, which is not raised here."""
        try:
            self._reporting(partial(self._opening.close, error))
        finally:
            self._apart.close(None)

    async def aclose(self, error: BaseException | None) -> None:
        """`close`, off the event loop."""
        try:
            await self._opening.aclose(error)
        except DeliveryError as undelivered:
            self._edge.report(undelivered)
        finally:
            self._apart.close(None)

    def _reporting(self, ends: Callable[[], Any]) -> None:
        try:
            ends()
        except DeliveryError as error:
            self._edge.report(error)
