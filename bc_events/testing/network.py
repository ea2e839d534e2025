"""What answers requests in a test, in place of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bc_events._delivery.wire import SUCCESS, Answer, Verdict

if TYPE_CHECKING:
    from bc_events._delivery.request import Request

_FORBIDDEN: Final = 403  # a fault of configuration: a relay pauses on it and holds nothing against the events
_REFUSED: Final = (
    "nothing is sent under pytest; let the test use the captured_events fixture, "
    "or ask for the network with @pytest.mark.bc_events_network or pytest --bc-events-network"
)


def accepting(request: Request[Any]) -> Answer:
    """An Events API in memory that takes everything and keeps nothing."""
    return Answer(Verdict.SETTLED, results=(SUCCESS,) * len(request.events), status=201)


def refusing(_request: Request[Any]) -> Answer:
    """No Events API: each flush is undelivered, and its reason says how a test asks for one."""
    return Answer(Verdict.FINAL, _REFUSED, status=_FORBIDDEN)
