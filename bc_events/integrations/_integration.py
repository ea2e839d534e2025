"""Integration: where work enters a service. It gets a session of its own, with the job and actor that came with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from bc_events._ambient.default_client import checked_client
from bc_events._ambient.frames import chain, current_session, innermost
from bc_events._ambient.scope import Bound, SessionScope
from bc_events._runtime import argument_checks as check, job_ids, logs
from bc_events.errors import DeliveryError, FailedWorkError, counted
from bc_events.propagation import HTTP, Border, Inbound, extract, inject

if TYPE_CHECKING:
    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession

OnDeliveryError = Literal["raise", "log"] | Callable[[DeliveryError], object]
_logger = logs.logger


REQUEST: Final = "bc_events.work"
"""Where an ASGI scope or a WSGI environ says that its request has passed an integration, and which work that opened.

It is written in place, as others look into the same mapping when the application has returned, and stays: work that has
ended counts no more.
"""


class FailedResponseError(FailedWorkError):
    """An application answered with a status of failure. It ends the session as an exception would; nobody raises it."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__(
            f"the application answered with status {status}" if status else "the application did not answer"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The settings of one integration, and how it opens sessions.

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
        if self.client is not None:
            checked_client(self.client, "client")
        check.instance("border", self.border, Border, example="a Border, such as bc_events.propagation.HTTP")
        if self.on_delivery_error not in ("raise", "log") and not callable(self.on_delivery_error):
            expected = '"raise", "log", or a callable that takes the DeliveryError'
            raise check.wrong("on_delivery_error", self.on_delivery_error, expected)

    def extract(self, carrier: object) -> Inbound:
        """What arrived with a piece of work and is believed."""
        return extract(carrier, self.border, client=self.client)

    def inject(self, carrier: MutableMapping[str, str]) -> None:
        """Writes the live job, and what else the border lets pass."""
        inject(carrier, self.border, client=self.client)

    def client_around(self, around: object) -> EventClient | None:
        """The client of a request: that of an integration which it has passed already, where this one names none."""
        outer = _open_work(around)
        return self.client or (outer.session.client if outer is not None else None)

    def open(
        self,
        inbound: Inbound,
        *,
        actor: Actor | LazyActor | None = None,
        around: object = None,
        commit_on: tuple[type[BaseException], ...] = (),
    ) -> Work:
        """Opens a session, which its caller closes. An `actor` that the service knows goes before the one inbound.

        `around` is the work of an outer integration that the same request has passed, if any.
        """
        return Work(self, inbound.job_id, actor or inbound.actor, commit_on, _open_work(around))

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
        """Does with a `DeliveryError` what this integration was told to."""
        if self.on_delivery_error == "raise":
            raise error
        self.report_late(error)

    def report_late(self, error: DeliveryError) -> None:
        """`report` where an exception would reach nobody: it is logged instead."""
        if callable(self.on_delivery_error):
            self.on_delivery_error(error)
            return
        job_id = error.undelivered[0].event.job_id if error.undelivered else None
        _logger.error(
            "the work of job %s succeeded, but %s",
            job_id,
            error,
            extra={
                "bc_job_id": job_id,
                "bc_undelivered": [f"{item.event} {item.event.id} {item.outcome}" for item in error.undelivered],
            },
        )


def _open_work(around: object) -> Work | None:
    return around if isinstance(around, Work) and not around.session.is_closed else None


def _job_apart() -> str | None:
    """A new job where a session is around, as it stands in baggage; else None, so that baggage from outside counts."""
    return None if innermost() is None else job_ids.generated()


class Work:
    """One piece of work. It joins no session that is live where it comes in, and has none of its job.

    That one is the caller's to end, or of another request: a server may start one request's task in the context of the
    one before it on the same connection, as uvicorn does (python/cpython#140947).

    Only behind an integration that the same request has passed already (a mounted application with its own middleware)
    it is a part of that work: a savepoint, whose events the outer integration sends. With another client it has a
    session of that client, under the same job.
    """

    __slots__ = ("_apart", "_integration", "_is_part", "_opening", "session")
    session: EventSession

    def __init__(
        self,
        integration: Integration,
        job_id: str | None,
        actor: Actor | LazyActor | None,
        commit_on: tuple[type[BaseException], ...],
        around: Work | None,
    ) -> None:
        is_inside = around is not None and around.is_ambient
        job_id = job_id or _job_apart() if around is None else None if is_inside else around.session.job_id
        scope = SessionScope(
            job_id,
            None if actor is None else lambda _: actor,
            integration.client_around(around),
            durable=False,
            commit_on=commit_on,
        )
        self._integration = integration
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
    def body(self, *, commit_on: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
        """The work proper, where other code runs before and after it in the same session.

        Its events are sent at its end, or dropped where it fails; the others stay.
        """
        opening = SessionScope(None, None, self.session.client, durable=False, commit_on=commit_on).open((), {})
        try:
            yield
        except BaseException as error:
            opening.close(error)
            if isinstance(error, commit_on):
                self._reporting(self.session.flush)
            raise
        opening.close(None)
        self._reporting(self.session.flush)

    def settle(self, failure: FailedResponseError | None) -> None:
        """A response is about to start: sends what is pending, or drops it because of a failure, and goes on."""
        self._reporting(partial(self._settle, failure))

    async def asettle(self, failure: FailedResponseError | None) -> None:
        """`settle`, off the event loop."""
        if not self.session.events or (self._is_part and failure is None):
            return
        from bc_events._delivery import threads  # noqa: PLC0415  loads asyncio, which edges without it do not pay for

        context, runner = copy_context(), self.session.client.delivery.runner
        try:
            await threads.run(lambda: context.run(self._settle, failure), runner=runner)
        except DeliveryError as error:
            self._integration.report(error)

    def _settle(self, failure: FailedResponseError | None) -> None:
        if failure is None:
            if not self._is_part:
                self.session.flush()
            return
        dropped = self.session.unit.rollback(spares_held=True)
        if dropped:
            _logger.warning(
                "%s of job %s dropped: the status of the response is %s",
                counted(dropped, "event"),
                self.session.job_id,
                failure.status,
                extra={"bc_job_id": self.session.job_id, "bc_dropped": dropped, "bc_status": failure.status},
            )

    def close(self, error: BaseException | None) -> None:
        """Ends the session: sends what is pending, or drops it because of `error`, which is not raised here."""
        try:
            self._reporting(partial(self._opening.close, error))
        finally:
            self._leave()

    def close_late(self) -> None:
        """`close` of work that went well, where an exception would reach nobody."""
        try:
            self._opening.close(None)
        except DeliveryError as error:
            self._integration.report_late(error)
        finally:
            self._leave()

    async def aclose(self, error: BaseException | None) -> None:
        """`close`, off the event loop."""
        try:
            await self._opening.aclose(error)
        except DeliveryError as undelivered:
            self._integration.report(undelivered)
        finally:
            self._leave()

    def _reporting(self, ends: Callable[[], Any]) -> None:
        try:
            ends()
        except DeliveryError as error:
            self._integration.report(error)
