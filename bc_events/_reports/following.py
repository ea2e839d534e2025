"""Following: makes the units of work of a client whose `api_url` may be that of a local Events API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events._delivery import networks
from bc_events._unit.unit_of_work import UnitOfWork

from .channels import channel_to
from .followed_unit import FollowedUnit

if TYPE_CHECKING:
    from bc_events._runtime.actor import Actor, LazyActor
    from bc_events._unit.client import UnitClient


class Following:
    """Makes followed units of work until it is known that no local Events API listens there; plain ones then."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(
        self,
        client: UnitClient,
        actor: Actor | LazyActor,
        job_id: str,
        parent: UnitOfWork | None = None,
        sends_at_once: bool = False,  # noqa: FBT002  as `UnitOfWork`
    ) -> UnitOfWork:
        if networks.current(self._url) is not None:  # a test answers in place of the network
            return UnitOfWork(client, actor, job_id, parent, sends_at_once)
        channel = channel_to(self._url)
        if channel.is_off:
            client.open_unit = UnitOfWork
            return UnitOfWork(client, actor, job_id, parent, sends_at_once)
        return FollowedUnit(channel, client, actor, job_id, parent, sends_at_once)
