"""The work whose instructions are counted. Each function does so many rounds of it."""

from __future__ import annotations

from bc_events import events

from .calls import DATA, client


def publish(rounds: int) -> None:
    with events.session(client=client()):
        for _ in range(rounds):
            events.created_policy(DATA)


def empty_session(rounds: int) -> None:
    ours = client()
    for _ in range(rounds):
        with events.session(client=ours):
            pass


def joined_session(rounds: int) -> None:
    with events.session(client=client()):
        for _ in range(rounds):
            with events.session():
                pass


WORK = {"publish": publish, "empty session": empty_session, "joined session": joined_session}
