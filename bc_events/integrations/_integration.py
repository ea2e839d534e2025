"""Integration: a place where requests or messages enter a service, and the settings of the sessions around them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bc_events._ambient.default_client import checked_client, default_client
from bc_events._ambient.frames import unit_to_join
from bc_events._ambient.scope import inherited_actor_of
from bc_events._runtime import argument_checks as check
from bc_events.propagation import HTTP, Border, Inbound, extract, inject

from ._inbound_scope import InboundScope, open_scope
from ._lookup import looked_up_early
from ._on_delivery_error import OnDeliveryError, check_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from bc_events.client import EventClient
    from bc_events.event import Actor, LazyActor
    from bc_events.session import EventSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The settings of one integration, and how it opens sessions.

    Args:
        client: by default the process's (`events.configure`, or BC_EVENTS_*), looked up for each request or message.
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
        check_rule(self.on_delivery_error)

    def extract(self, carrier: object) -> Inbound:
        """The job and actor that came with a request or message and are believed."""
        return extract(carrier, self.border, client=self.client)

    def inject(self, carrier: MutableMapping[str, str]) -> None:
        """Writes the live job, and the actor if the border lets it pass."""
        inject(carrier, self.border, client=self.client)

    def client_around(self, around: object) -> EventClient | None:
        """The client of a request. Without one here, it is that of an outer integration."""
        outer = open_scope(around)
        return self.client or (outer.session.client if outer is not None else None)

    def open_for(
        self, inbound: Inbound, look_up: Callable[[Any], Any] | None, request: Any, *, around: object = None
    ) -> InboundScope:
        """Opens a scope for a request whose actor the application looks up. The caller closes it."""
        if look_up is None:
            return self.open(inbound, around=around)
        client = self.client_around(around) or default_client()
        outer = open_scope(around)
        live = unit_to_join() if outer is not None and outer.is_ambient else None
        inherited = client.service_actor if live is None else inherited_actor_of(live, client)
        otherwise = inbound.actor or inherited
        return self.open(inbound, actor=looked_up_early(look_up, request, otherwise), around=around)

    def open(
        self,
        inbound: Inbound,
        *,
        actor: Actor | LazyActor | None = None,
        around: object = None,
        commit_on: tuple[type[BaseException], ...] = (),
    ) -> InboundScope:
        """Opens a scope, which the caller closes. An `actor` given here overrides the inbound one.

        `around` is the scope of an outer integration that the same request has passed, if any.
        """
        return InboundScope(
            inbound.job_id,
            actor or inbound.actor,
            self.client_around(around),
            commit_on=commit_on,
            on_delivery_error=self.on_delivery_error,
            around=open_scope(around),
        )

    @contextmanager
    def session(self, inbound: Inbound, *, commit_on: tuple[type[BaseException], ...] = ()) -> Iterator[EventSession]:
        """A session around a block."""
        scope = self.open(inbound, commit_on=commit_on)
        try:
            yield scope.session
        except BaseException as error:
            scope.close(error)
            raise
        scope.close(None)
