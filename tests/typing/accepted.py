"""Every decorator gives back the signature it was given, and every call says what it returns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

from bc_events import Actor, Event, EventClient, EventSession, events


@events.session(job_id=lambda number: f"order-{number}")
def place(number: int, *, note: str = "") -> bytes:
    return f"{number}{note}".encode()


@events.user_context("cognito-user-id")
async def place_async(number: int, *, note: str = "") -> bytes:
    return place(number, note=note)


@events.service_context()
def numbers(most: int) -> Iterator[int]:
    yield from range(most)


@events.third_party_context("job-1", durable=True, commit_on=(GeneratorExit, SystemExit))
async def numbers_async(most: int) -> AsyncIterator[int]:
    for number in range(most):
        yield number


class Service:
    @events.session()
    def work(self, number: int) -> str:
        return str(number)

    @events.session()
    async def work_async(self, number: int) -> str:
        return str(number)

    @classmethod
    @events.session()
    def of_class(cls, number: int) -> str:
        return str(number)

    @events.session()
    @classmethod
    def of_class_outermost(cls, number: int) -> str:
        return str(number)

    @staticmethod
    @events.session()
    def of_nothing(number: int) -> str:
        return str(number)

    @events.session()
    @staticmethod
    def of_nothing_outermost(number: int) -> str:
        return str(number)


async def decorated_functions_keep_their_signatures() -> None:
    assert_type(place(1), bytes)
    assert_type(place(number=1, note="urgent"), bytes)
    assert_type(await place_async(1, note="urgent"), bytes)
    assert_type(numbers(3), Iterator[int])
    assert_type(list(numbers(3)), list[int])
    assert_type(numbers_async(3), AsyncIterator[int])
    assert_type([number async for number in numbers_async(3)], list[int])


async def decorated_methods_keep_their_signatures(service: Service) -> None:
    assert_type(service.work(1), str)
    assert_type(service.work(number=1), str)
    assert_type(Service.work(service, 1), str)
    assert_type(await service.work_async(1), str)
    assert_type(Service.of_class(1), str)
    assert_type(service.of_class(1), str)
    assert_type(Service.of_nothing(1), str)
    assert_type(service.of_nothing(1), str)
    assert_type(Service.of_class_outermost(1), str)
    assert_type(Service.of_nothing_outermost(1), str)


async def a_scope_is_a_session(client: EventClient) -> None:
    with events.session() as session:
        assert_type(session, EventSession)
    async with events.session("job-1", actor=Actor("cognito-user-id", "user"), client=client) as session:
        assert_type(session, EventSession)
    with events.user_context("cognito-user-id", "job-1") as user, events.third_party_context() as third_party:
        assert_type(user, EventSession)
        assert_type(third_party, EventSession)
    async with events.service_context(commit_on=(SystemExit,)) as service:
        assert_type(service, EventSession)


def publishing_returns_the_event(session: EventSession) -> None:
    assert_type(events.created_my_entity({"id": "1"}), Event)
    assert_type(events.my_entity_created({"id": "1"}), Event)
    assert_type(session.created_my_entity({"id": "1"}), Event)
    assert_type(events.publish(action="Created", entity="MyEntity", data={"id": "1"}), Event)
    assert_type(session.publish(action="Created", entity="MyEntity", data={"id": "1"}, category="policy"), Event)


def what_is_live_can_be_asked() -> None:
    assert_type(events.current_session(), EventSession)
    assert_type(events.current_job_id(), str | None)
    assert_type(events.rollback(), int)
    events.flush()


async def a_flush_can_be_awaited(session: EventSession) -> None:
    assert_type(await events.aflush(), None)
    assert_type(await session.aflush(), None)


def configuring_returns_the_client(client: EventClient) -> None:
    assert_type(events.configure(client), EventClient)
    with events.override(client) as overriding:
        assert_type(overriding, EventClient)


def functions_sent_elsewhere_keep_their_signatures(client: EventClient) -> None:
    def work(number: int, *, note: str = "") -> str:
        return f"{number}{note}"

    assert_type(events.propagate(work)(1, note="urgent"), str)
    assert_type(events.detached(work)(1, note="urgent"), str)
    assert_type(events.override(client)(work)(1, note="urgent"), str)


async def coroutine_functions_sent_elsewhere_keep_theirs(client: EventClient) -> None:
    async def work(number: int) -> str:
        return str(number)

    started: Callable[[int], Coroutine[Any, Any, str]] = events.propagate(work)
    assert_type(await started(1), str)
    assert_type(await events.detached(work)(1), str)
    assert_type(await events.override(client)(work)(1), str)
