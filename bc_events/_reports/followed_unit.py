"""FollowedUnit: a unit of work that reports its life. Only a client whose `api_url` may be a local Events API has them.

Other clients have plain units of work. So following costs them nothing, not even a question whether somebody follows.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from bc_events._unit.pending import ENDED
from bc_events._unit.unit_of_work import UnitOfWork
from bc_events.errors import UnknownEventNameError

from .report import actor_of, made, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bc_events._runtime.actor import Actor, LazyActor
    from bc_events._unit.client import UnitClient
    from bc_events.event import Event
    from bc_events.topics.topic import Topic

    from .channel import Channel

_numbers: Final = itertools.count(1)


class FollowedUnit(UnitOfWork):
    """`number` tells the units of a process apart."""

    __slots__ = ("channel", "number")

    def __init__(
        self,
        channel: Channel,
        client: UnitClient,
        actor: Actor | LazyActor,
        job_id: str,
        parent: UnitOfWork | None = None,
        sends_at_once: bool = False,  # noqa: FBT002  as `UnitOfWork`
    ) -> None:
        super().__init__(client, actor, job_id, parent, sends_at_once)
        self.channel = channel
        self.number: int = next(_numbers)
        self.report(
            "opened",
            parent=parent.number if isinstance(parent, FollowedUnit) else None,
            service=client.service_actor.id,
            actor=actor_of(actor),
        )

    def report(self, kind: str, **fields: Any) -> None:
        if not self.is_from_before_fork:
            self.channel.put(made(kind, self.job_id, session=self.number, **fields))

    def report_refusal(
        self, topic: str, *, reason: str | None = None, violations: Sequence[Mapping[str, str]] = ()
    ) -> None:
        """An event was refused at the call, for a reason or for violations of its schema."""
        self.report(
            "refused",
            topic=text(topic),
            service=self.client.service_actor.id,
            reason=reason and text(reason),
            violations=violations,
        )

    def resolve(self, magic_name: str) -> Topic:
        try:
            return super().resolve(magic_name)
        except UnknownEventNameError as error:
            if "_" in magic_name:  # a name of one word is no event: something looks at the session
                self.report_refusal(magic_name, reason=str(error))
            raise

    def record(self, topic: Topic, data: Any) -> Event:
        if self.is_closed:
            self.report_refusal(topic.name, reason=ENDED)
        return super().record(topic, data)

    def end(self) -> list[Event]:
        try:
            events = super().end()
        except BaseException as error:
            self._report_end(error)
            raise
        self._report_end(None)
        return events

    def abort(self, failure: BaseException | None = None) -> tuple[int, Sequence[Event]]:
        try:
            return super().abort(failure)
        finally:
            self._report_end(failure)

    def _report_end(self, failure: BaseException | None) -> None:
        self.report("ended", exception=None if failure is None else text(type(failure).__name__))
