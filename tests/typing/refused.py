"""Code that is refused before it runs: each line is an error to both checkers, and its comments say which.

A comment without an error is an error too: by mypy's warn_unused_ignores, and by this folder's pyrightconfig.json.
Decorating a class is not here: it is a callable with a signature to both, and refused when it runs.
"""

from __future__ import annotations

from bc_events import EventClient, events


@events.session()
def place(number: int, *, note: str = "") -> bytes:
    return f"{number}{note}".encode()


@events.session()
async def place_async(number: int) -> bytes:
    return place(number)


class Service:
    @events.session()
    def work(self, number: int) -> str:
        return str(number)


def scopes_refuse_what_is_not_theirs() -> None:
    events.session(job_id=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    events.session(job_id=lambda number: 3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType, reportCallIssue]
    events.session("job-1", "cognito-user-id")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    events.session(actor="cognito-user-id")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(client="PolicyService")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(durable="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(commit_on=SystemExit)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(commit_on=(SystemExit(),))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(commit_on=[SystemExit])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(commit_on=("SystemExit",))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.session(user_id="someone")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # ty differs


def contexts_refuse_what_is_not_theirs() -> None:
    events.user_context()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.user_context(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.user_context(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.service_context(actor=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # ty differs
    events.third_party_context(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    events.override("PolicyService")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.configure("PolicyService")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


def publishing_refuses_what_is_no_event() -> None:
    events.publish("Created", "MyEntity", {"id": "1"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.publish(action="Created", data={"id": "1"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.publish(action="Created", entity="MyEntity", data=["1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.created_my_entity()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.created_my_entity("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.created_my_entity(id="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.created_my_entity({"id": "1"}, "job-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def decorators_refuse_what_is_no_function(client: EventClient) -> None:
    events.session()(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.propagate(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.detached("work")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.override(client)(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.propagate(place(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def decorated_functions_refuse_what_they_did_before(service: Service) -> None:
    place("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    place()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    place(1, "urgent")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    place(1, note=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await place_async("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    service.work("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    service.work(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    events.propagate(place)("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    events.detached(place)(1, 2)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


def a_coroutine_is_not_its_result() -> bytes:
    return place_async(1)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


async def a_plain_function_is_not_awaited() -> None:
    await place(1)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
