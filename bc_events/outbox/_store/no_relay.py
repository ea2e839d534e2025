"""An outbox whose events change data capture reads has no relay."""

from __future__ import annotations

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError


def check_stream(*, stream: bool, relay: bool) -> None:
    """Raises `ConfigurationError`."""
    check.flag("stream", stream)
    if stream and relay:
        raise ConfigurationError("a stream has no relay: change data capture reads it; give relay or stream, not both")


def no_store() -> ConfigurationError:
    """The error for what works on stored rows: a stream stores none."""
    return ConfigurationError(
        "this outbox is a stream: change data capture reads its events, and no row is left for a relay. To send rows "
        "from before it was one, run `bc-events outbox relay --outbox` with the URL of its database"
    )
