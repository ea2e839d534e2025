"""Scopes: the objects that `with`, `async with` and `@` open around some work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar

from opentelemetry.context import get_current

from bc_events._runtime import argument_checks as check, clock, forks, job_ids
from bc_events.constants import BAGGAGE_KEY
from bc_events.errors import InvalidJobIdError, NestedSessionError, kind_of

from . import default_client, transactions
from .frames import Frame, baggage_keys, unit_to_join
from .reentry import Block, left_by
from .scope_exit import Exceptions, aclose, close

if TYPE_CHECKING:
    from types import FrameType

    from bc_events._unit.unit_of_work import UnitOfWork
    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession

    from .invocation import Opening

P = ParamSpec("P")
R = TypeVar("R")
_NOTHING: Final = ()
JobId = str | Callable[..., str | None] | None


class SessionScope:
    """A scope, for `with`, `async with` or `@`. One object may be used many times, also several times at once.

    Its only state is the list of the `with` blocks that it has open. `__exit__` finds in it the block that it leaves.
    """

    __slots__ = ("_actor_of", "_blocks", "_client", "_commit_on", "_durable", "_job_id")
    outlasts_call: ClassVar[bool] = False

    def __init__(
        self,
        job_id: JobId,
        actor_of: Callable[[EventClient], Actor | LazyActor] | None,
        client: EventClient | None,
        durable: bool,
        commit_on: Exceptions,
    ) -> None:
        if job_id is not None and not callable(job_id):
            job_ids.validated(job_id)
        self._job_id = job_id
        self._actor_of = actor_of
        self._client = None if client is None else default_client.checked_client(client, "client")
        self._durable = durable is not False and check.flag("durable", durable)
        self._commit_on = commit_on if commit_on is _NOTHING else _exceptions(commit_on)
        self._blocks: list[Block] = []

    if not TYPE_CHECKING:  # type checkers find the mistake themselves

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"a scope has no {name}; write `with events.session() as session:` and use session.{name}", name=name
            )

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        from .decorator import decorate  # noqa: PLC0415  loads inspect, which only decorators need

        return decorate(self, function)

    def open(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Opening:
        """Opens it around a call with these arguments."""
        job_id = self._job_id
        if callable(job_id):
            found = job_id(*args, **kwargs)
            return _SessionOpening(self._enter(None if found is None else job_ids.validated(found)), self._commit_on)
        return _SessionOpening(self._enter(job_id), self._commit_on)

    def __enter__(self) -> EventSession:
        return self._enter_block(sys._getframe(1))

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        close(self._left_block(sys._getframe(1)), error, self._commit_on)

    async def __aenter__(self) -> EventSession:
        return self._enter_block(sys._getframe(1))

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        await aclose(self._left_block(sys._getframe(1)), error, self._commit_on)

    def _enter_block(self, caller: FrameType) -> EventSession:
        if self._job_id is not None and callable(self._job_id):
            raise InvalidJobIdError(
                "job_id is a callable, which is called with the arguments of a decorated function; "
                "a with block has none, so give it the job id itself"
            )
        frame = self._enter(self._job_id)
        self._blocks.append((caller, frame))
        return frame.session

    def _left_block(self, caller: FrameType) -> Frame:
        blocks = self._blocks
        block = blocks[0] if len(blocks) == 1 else left_by(caller, list(blocks))
        blocks.remove(block)
        return block[1]

    def _enter(self, job_id: str | None) -> Frame:
        live = unit_to_join()
        client: Any = self._client or (default_client.default_client() if live is None else live.client)
        actor = self._actor_of(client) if self._actor_of is not None else None
        if live is not None:
            if self._durable:
                raise _is_nested(live)
            if live.client is client and (job_id is None or job_id == live.job_id):
                return Frame(live.join(actor))
            job_id = job_id or live.job_id
            actor = actor or inherited_actor_of(live, client)
        forks.notice()  # a fork changes the context that is read next
        before = get_current()
        if not job_id:
            # An empty context has no baggage, and need not be searched.
            found = job_ids.from_baggage(client.baggage_key, before) if before else None
            job_id = found or clock.job_id()
        unit = client.open_unit(client, actor or client.service_actor, job_id)
        unit.pending.scoped_in = unit.born
        return Frame(unit, job_ids.Baggage(client.baggage_key, job_id, before) if client.write_baggage else None)


def _is_nested(live: UnitOfWork) -> NestedSessionError:
    return NestedSessionError(
        f"a durable session must be outermost, but a session of job {live.job_id} is live here; "
        "open the durable one before any other scope, or drop durable=True"
    )


def _exceptions(commit_on: object) -> Exceptions:
    """`commit_on` as a tuple. Checked here, because a wrong value would raise in the scope's exit.

    There it would hide the exception of the body, and the scope would stay open.
    """
    classes: tuple[Any, ...] = commit_on if isinstance(commit_on, tuple) else (commit_on,)
    if not all(isinstance(one, type) and issubclass(one, BaseException) for one in classes):
        kinds = ", ".join(map(kind_of, classes)) if isinstance(commit_on, tuple) else type(commit_on).__name__
        raise TypeError(f"commit_on must be a tuple of exception classes, got {kinds}; give one such as (SystemExit,)")
    return classes


def inherited_actor_of(live: UnitOfWork, client: EventClient) -> Actor | LazyActor:
    """The live session's actor. But where that is another service acting as itself, this service acts as itself."""
    is_another_service = live.client is not client and live.actor is live.client.service_actor
    return client.service_actor if is_another_service else live.actor


class _SessionOpening:
    """A session around one call of a decorated function."""

    __slots__ = ("_commit_on", "_frame")

    def __init__(self, frame: Frame, commit_on: Exceptions) -> None:
        self._frame = frame
        self._commit_on = commit_on

    def suspend(self) -> None:
        self._frame.suspend()

    def resume(self) -> None:
        self._frame.resume()

    def close(self, error: BaseException | None) -> None:
        close(self._frame, error, self._commit_on)

    async def aclose(self, error: BaseException | None) -> None:
        await aclose(self._frame, error, self._commit_on)


class Bound:
    """Binds a function to one session, whichever thread runs it. A function that is bound to no session joins none.

    The function also gets the database transactions that were around the code that bound it; without a session, none.
    """

    __slots__ = ("_session", "_transactions")
    outlasts_call: ClassVar[bool] = True

    def __init__(self, session: EventSession | None) -> None:
        self._session = session
        self._transactions = transactions.around() if session is not None else ()

    def open(self, _args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Opening:
        session = self._session
        carries = session is not None and session.client.write_baggage
        baggage = job_ids.Baggage(session.client.baggage_key, session.job_id) if session and carries else None
        frame = Frame(None if session is None else session.unit, baggage, session)
        return _BoundOpening(transactions.Surroundings(self._transactions), frame)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        from .decorator import decorate  # noqa: PLC0415  as above

        return decorate(self, function)


class Detached:
    """A scope without a session and without a job, whatever session is live and whatever is in baggage around it."""

    __slots__ = ()
    outlasts_call: ClassVar[bool] = True

    def open(self, _args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Opening:
        client = default_client.known_client()
        keys = {BAGGAGE_KEY, *baggage_keys(), *(() if client is None else (client.baggage_key,))}
        carried = sorted(key for key in keys if job_ids.read_baggage(key) is not None)
        frames = [Frame(None), *(Frame(None, job_ids.Baggage(key, None)) for key in carried)]
        return _BoundOpening(transactions.Surroundings(()), *frames)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        from .decorator import decorate  # noqa: PLC0415  as above

        return decorate(self, function)


class _BoundOpening:
    """One call of a bound or detached function. It does not end the session, which its own scope ends."""

    __slots__ = ("_frames", "_surroundings")

    def __init__(self, surroundings: transactions.Surroundings, *frames: Frame) -> None:
        """`frames` are given outermost first."""
        self._frames = frames
        self._surroundings = surroundings
        surroundings.enter()

    def suspend(self) -> None:
        self._surroundings.leave()
        self._frames[0].suspend()

    def resume(self) -> None:
        self._frames[0].resume()
        self._surroundings.enter()

    def close(self, _error: BaseException | None) -> None:
        self._surroundings.leave()
        for frame in reversed(self._frames):
            frame.leave()

    async def aclose(self, error: BaseException | None) -> None:
        self.close(error)
