"""Actor types and outcomes are the few texts that the Events API has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_type

from bc_events import Actor, DeliveryError, Event, EventClient, EventSession

if TYPE_CHECKING:
    from bc_events.errors import Undelivered

ActorType = Literal["user", "service", "third-party"]


def actor_types_are_literals(actor: Actor, event: Event, session: EventSession) -> None:
    assert_type(actor.type, ActorType)
    assert_type(event.actor.type, ActorType)
    assert_type(session.actor_type, ActorType)
    Actor("a-cognito-user-id", "user")
    Actor("PolicyService", "third-party", is_local=True)


def other_actor_types_are_refused(actor: Actor, client: EventClient) -> None:
    Actor("a-cognito-user-id", "person")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Actor("a-cognito-user-id", "USER")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Actor("a-cognito-user-id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    EventSession("a-cognito-user-id", "human", None, client)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(actor.type == "users")  # type: ignore[comparison-overlap]  # pyright, pyrefly and ty differ
    actor.type = "user"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def outcomes_are_literals(error: DeliveryError, item: Undelivered) -> None:
    assert_type(item.outcome, Literal["refused", "unknown", "unsent"])
    print([one.event.id for one in error.undelivered if one.outcome == "unknown"])


def other_outcomes_are_refused(item: Undelivered) -> None:
    print(item.outcome == "lost")  # type: ignore[comparison-overlap]  # pyright, pyrefly and ty differ
