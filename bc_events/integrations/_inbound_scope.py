"""InboundScope: the scope of one request or message that enters the service."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bc_events._ambient.frames import chain, current_session, innermost
from bc_events._ambient.scope import Bound, SessionScope
from bc_events._runtime import job_ids, logs
from bc_events.errors import DeliveryError, counted

from ._on_delivery_error import report, report_late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession

    from ._failed_response import FailedResponseError
    from ._on_delivery_error import OnDeliveryError

_logger = logs.logger
REQUEST: Final = "bc_events.scope"
"""The key under which an ASGI scope or a WSGI environ holds the scope that an integration opened for its request.

The mapping itself is changed, because other middleware looks into it when the application has returned. The entry stays
there: a scope that has ended no longer counts.
"""


def open_scope(around: object) -> InboundScope | None:
    return around if isinstance(around, InboundScope) and not around.session.is_closed else None


def _job_apart() -> str | None:
    """A new job id if a session is live here, because baggage then has the job of that one.

    Else None: baggage counts.
    """
    return None if innermost() is None else job_ids.generated()


class InboundScope:
    """It does not join a session that is live where the request or message comes in, and does not take its job.

    The caller ends such a session, or it belongs to another request: a server may start one request's task in the
    context of the one before it on the same connection, as uvicorn does (python/cpython#140947).

    There is one exception: an integration that the same request has passed already, as with a mounted application that
    has a middleware itself. Then this scope is a savepoint of the outer one, which sends the events. With another
    client it has a session of that client, under the same job.
    """

    __slots__ = ("_apart", "_is_part", "_on_delivery_error", "_opening", "session")
    session: EventSession
    _on_delivery_error: OnDeliveryError

    def __init__(
        self,
        job_id: str | None,
        actor: Actor | LazyActor | None,
        client: EventClient | None,
        *,
        commit_on: tuple[type[BaseException], ...],
        on_delivery_error: OnDeliveryError,
        around: InboundScope | None,
    ) -> None:
        is_inside = around is not None and around.is_ambient
        job_id = job_id or _job_apart() if around is None else None if is_inside else around.session.job_id
        actor_of = None if actor is None else lambda _: actor
        scope = SessionScope(job_id, actor_of, client, durable=False, commit_on=commit_on)
        self._on_delivery_error = on_delivery_error
        self._apart = None if is_inside else Bound(None).open((), {})
        try:
            self._opening = scope.open((), {})
        except BaseException:
            self._leave()
            raise
        self.session = current_session()
        self._is_part = self.session.unit.parent is not None

    @property
    def is_ambient(self) -> bool:
        """Whether code here runs in its session."""
        unit = self.session.unit
        return not unit.is_closed and any(frame.unit is unit for frame in chain())

    def _leave(self) -> None:
        if self._apart is not None:
            self._apart.close(None)

    def suspend(self) -> None:
        """Takes the session out of the ambient state, until `resume`, which may be called on another thread."""
        (self._apart or self._opening).suspend()

    def resume(self) -> None:
        (self._apart or self._opening).resume()

    @contextmanager
    def savepoint(self, *, commit_on: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
        """Drops the events of a part of the work where that fails; the others stay."""
        opening = SessionScope(None, None, self.session.client, durable=False, commit_on=commit_on).open((), {})
        try:
            yield
        except BaseException as error:
            opening.close(error)
            raise
        opening.close(None)

    @contextmanager
    def body(self, *, commit_on: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
        """A savepoint around the work itself, where other code runs before and after it in the same session.

        Its events are sent at its end, or dropped where it fails; the others stay.
        """
        try:
            with self.savepoint(commit_on=commit_on):
                yield
        except commit_on:
            self._reporting(self.session.flush)
            raise
        self._reporting(self.session.flush)

    def settle(self, failure: FailedResponseError | None) -> None:
        """Sends the pending events before a response starts, or drops them after a failure. The session goes on."""
        self._reporting(partial(self._settle, failure))

    async def asettle(self, failure: FailedResponseError | None) -> None:
        """`settle`, off the event loop."""
        if not self.session.events or (self._is_part and failure is None):
            return
        from bc_events._delivery import threads  # noqa: PLC0415  loads asyncio, which only asynchronous integrations need

        context, runner = copy_context(), self.session.client.delivery.runner
        try:
            await threads.run(lambda: context.run(self._settle, failure), runner=runner)
        except DeliveryError as error:
            report(error, self._on_delivery_error)

    def _settle(self, failure: FailedResponseError | None) -> None:
        if failure is None:
            if not self._is_part:
                self.session.flush()
            return
        dropped = self.session.unit.rollback(failure=failure)
        if dropped:
            _logger.warning(
                "%s of job %s dropped: the status of the response is %s",
                counted(dropped, "event"),
                self.session.job_id,
                failure.status,
                extra={"bc_job_id": self.session.job_id, "bc_dropped": dropped, "bc_status": failure.status},
            )

    def close(self, error: BaseException | None) -> None:
        """Ends the session: sends the pending events, or drops them because of `error`, which is not raised here."""
        try:
            self._reporting(partial(self._opening.close, error))
        finally:
            self._leave()

    def close_late(self) -> None:
        """`close` of work that went well, where an exception would reach nobody."""
        try:
            self._opening.close(None)
        except DeliveryError as error:
            report_late(error, self._on_delivery_error)
        finally:
            self._leave()

    async def aclose(self, error: BaseException | None) -> None:
        """`close`, off the event loop."""
        try:
            await self._opening.aclose(error)
        except DeliveryError as undelivered:
            report(undelivered, self._on_delivery_error)
        finally:
            self._leave()

    def _reporting(self, ends: Callable[[], Any]) -> None:
        try:
            ends()
        except DeliveryError as error:
            report(error, self._on_delivery_error)
