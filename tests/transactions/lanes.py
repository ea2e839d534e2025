"""Lanes: a thread or a task each, which take the steps of a program in turn."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol

from bc_events import EventClient, events

from .parts import Rules
from .programs import MAIN, BlockExit, Step, Verb

TOPICS = {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": {}}]}


class BoomError(Exception):
    """The exception with which a block fails."""


class Block(Protocol):
    """A scope, transaction or savepoint that a lane has open."""

    def leave(self, block_exit: BlockExit) -> Coroutine[Any, Any, None] | None: ...


class Databases(Protocol):
    """Opens transactions and savepoints, for one lane."""

    def begin(self, step: Step) -> Any:
        """Returns a `Block`, or an awaitable of one."""

    def close(self) -> Any: ...


class Backend(Protocol):
    rules: Rules
    is_async: bool

    def client(self) -> AbstractContextManager[EventClient]: ...

    def databases(self) -> Databases: ...

    def arrived(self) -> Sequence[int]:
        """The numbers of the events that were sent or stored since the last call."""


class Managed:
    """A block that is a context manager."""

    def __init__(self, manager: AbstractContextManager[Any]) -> None:
        self._manager = manager
        manager.__enter__()

    def leave(self, block_exit: BlockExit) -> None:
        if block_exit is BlockExit.FAILED:
            error = BoomError()
            self._manager.__exit__(BoomError, error, None)
        else:
            self._manager.__exit__(None, None, None)


class Lane:
    """Takes the steps of one thread, in that thread."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._blocks: list[Block] = []

    def take(self, step: Step, number: int) -> None:
        match step.verb:
            case Verb.PUBLISH:
                events.created_policy({"id": number})
            case Verb.OPEN:
                self._blocks.append(Managed(events.session(step.job)))
            case Verb.FLUSH:
                events.flush()
            case Verb.ROLLBACK:
                events.rollback()
            case Verb.LEAVE:
                self._blocks.pop().leave(step.block_exit)
            case _:
                self._blocks.append(self._databases.begin(step))

    def close(self) -> None:
        """After a program that was broken off, too."""
        while self._blocks:
            with suppress(Exception):
                self._blocks.pop().leave(BlockExit.FAILED)
        self._databases.close()


class Threads:
    """One lane is this thread; the other one is started inside the scope that is live here, and takes turns with it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._main = Lane(backend.databases())
        self._steps: queue.SimpleQueue[tuple[Step, int] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._child: threading.Thread | None = None

    def take(self, step: Step, number: int) -> None:
        if step.lane == MAIN:
            self._main.take(step, number)
            return
        if self._child is None:
            self._child = threading.Thread(target=events.propagate(self._work))
            self._child.start()
        self._steps.put((step, number))
        self._raise_from_child()

    def waiting(self) -> set[int] | None:
        return _waiting()

    def close(self) -> None:
        self._main.close()
        if self._child is not None:
            self._steps.put(None)
            self._child.join()
            self._raise_from_child()

    def _work(self) -> None:
        lane = Lane(self._backend.databases())
        while (given := self._steps.get()) is not None:
            self._results.put(_raised_by(lane.take, *given))
        self._results.put(_raised_by(lane.close))

    def _raise_from_child(self) -> None:
        error = self._results.get(timeout=30)
        if error is not None:
            raise error


class AsyncLane(Lane):
    """Takes the steps of one task, in that task."""

    async def take_async(self, step: Step, number: int) -> None:
        match step.verb:
            case Verb.OPEN:
                scope = events.session(step.job)
                await scope.__aenter__()
                self._blocks.append(_AsyncManaged(scope))
            case Verb.LEAVE:
                await self._blocks.pop().leave(step.block_exit)
            case Verb.PUBLISH | Verb.ROLLBACK:
                self.take(step, number)
            case Verb.FLUSH:
                await asyncio.to_thread(events.flush)
            case _:
                self._blocks.append(await self._databases.begin(step))

    async def close_async(self) -> None:
        while self._blocks:
            with suppress(Exception):
                await self._blocks.pop().leave(BlockExit.FAILED)
        await self._databases.close()


class _AsyncManaged:
    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def leave(self, block_exit: BlockExit) -> None:
        if block_exit is BlockExit.FAILED:
            await self._manager.__aexit__(BoomError, BoomError(), None)
        else:
            await self._manager.__aexit__(None, None, None)


class Tasks:
    """The same with two tasks of one event loop."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loop = asyncio.new_event_loop()
        self._queues: dict[int, asyncio.Queue[Any]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def take(self, step: Step, number: int) -> None:
        self._loop.run_until_complete(self._turn(step.lane, lambda lane: lane.take_async(step, number)))

    def waiting(self) -> set[int] | None:
        found: list[set[int] | None] = []

        async def look(_lane: AsyncLane) -> None:
            found.append(_waiting())

        self._loop.run_until_complete(self._turn(MAIN, look))
        return found[0]

    def close(self) -> None:
        for number, task in reversed(self._tasks.items()):
            self._loop.run_until_complete(self._turn(number, lambda lane: lane.close_async()))
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _turn(self, number: int, work: Callable[[AsyncLane], Coroutine[Any, Any, None]]) -> None:
        """The child is started by a turn of the main lane's task, so that it inherits its context."""
        if number not in self._tasks and number != MAIN:
            await self._turn(MAIN, lambda _lane: self._started(number))
        elif number not in self._tasks:
            await self._started(number)
        done = self._loop.create_future()
        await self._queues[number].put((work, done))
        await done

    async def _started(self, number: int) -> None:
        self._queues[number] = asyncio.Queue()
        self._tasks[number] = asyncio.create_task(self._work(self._queues[number]))

    async def _work(self, turns: asyncio.Queue[Any]) -> None:
        lane = AsyncLane(self._backend.databases())
        while True:
            work, done = await turns.get()
            try:
                await work(lane)
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(None)


def _waiting() -> set[int] | None:
    """The events of the session that is live here; None where none is."""
    if events.current_job_id() is None:
        return None
    return {event.data["id"] for event in events.current_session().events}


def _raised_by(work: Callable[..., None], *arguments: Any) -> BaseException | None:
    try:
        work(*arguments)
    except BaseException as error:
        return error
    return None
