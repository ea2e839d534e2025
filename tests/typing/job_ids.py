"""A callable job id gets the arguments of the decorated function; pyright and ty compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from bc_events import events

if TYPE_CHECKING:
    from collections.abc import Callable


def job_of(order: int, *, note: str = "") -> str:
    return f"order-{order}-{note}"


def job_of_any(*arguments: object, **others: object) -> str | None:
    return str(arguments[0]) if arguments and not others else None


@events.session(job_of)
def place(order: int, *, note: str = "") -> bytes:
    return f"{order}{note}".encode()


@events.session(lambda order: f"order-{order}")
def pay(order: int) -> bytes:
    return place(order)


@events.user_context("a-cognito-user-id", lambda order, **_: f"order-{order}")
def send(order: int, address: str) -> bytes:
    return place(order, note=address)


@events.service_context(lambda order, *_, **__: f"order-{order}")
def bill(order: int, address: str) -> bytes:
    return send(order, address)


@events.third_party_context(job_of_any)
async def book(order: int, address: str) -> bytes:
    return send(order, address)


class Desk:
    @events.session(lambda self, order: f"order-{order}")
    def take(self, order: int) -> bytes:
        return pay(order)

    @events.session(lambda self, order, **_: f"order-{order}")
    def take_with(self, order: int, note: str) -> bytes:
        return place(order, note=note)


async def decorated_functions_keep_their_signatures(desk: Desk, job: Callable[..., str]) -> None:
    assert_type(place(1, note="urgent"), bytes)
    assert_type(pay(1), bytes)
    assert_type(send(1, ""), bytes)
    assert_type(bill(1, ""), bytes)  # ty differs
    assert_type(await book(1, ""), bytes)
    assert_type(desk.take(1), bytes)
    assert_type(desk.take_with(1, ""), bytes)
    events.session(job)


def what_fits_the_callable_fits_the_function() -> None:
    pay("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@events.session(job_of)  # pyright: ignore[reportArgumentType]  # mypy and pyrefly differ
def place_by_name(name: str) -> None: ...


@events.session(lambda order, note: order)  # pyright: ignore[reportArgumentType]  # mypy and pyrefly differ
def place_one(order: int) -> None: ...


@events.user_context("a-cognito-user-id", lambda: "job-1")  # pyright: ignore[reportArgumentType]  # mypy and pyrefly differ
def place_for_user(order: int) -> None: ...


@events.service_context(lambda order: order.job)  # pyright: ignore[reportArgumentType]  # mypy and pyrefly differ
def place_for_service(policy: int) -> None: ...


@events.third_party_context(lambda order: order.job)  # pyright: ignore[reportArgumentType]  # mypy and pyrefly differ
async def place_for_third_party() -> None: ...


def a_block_has_no_arguments() -> None:
    with events.session(job_of):  # pyright: ignore[reportGeneralTypeIssues]  # mypy and pyrefly differ
        pass
