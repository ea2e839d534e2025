"""An outbox whose events change data capture reads has no relay."""

from __future__ import annotations

from bc_events._runtime import argument_checks as check
from bc_events.errors import ConfigurationError


def check_stream(*, stream: bool, relay: bool, keep: object, seal: object) -> None:
    """Raises `ConfigurationError`."""
    check.flag("stream", stream)
    if stream and relay:
        raise ConfigurationError("a stream has no relay: change data capture reads it; give relay or stream, not both")
    if stream and (keep is not None or seal is not None):
        raise ConfigurationError(
            "a stream has no archive, and its consumers open no sealed events; leave out keep and seal, or stream=True"
        )


def no_store() -> ConfigurationError:
    """The error for what works on stored rows: a stream stores none."""
    return ConfigurationError(
        "this outbox is a stream: change data capture reads its events, and no row is left for a relay. To send rows "
        "from before it was one, run `bc-events outbox relay --outbox` with the URL of its database"
    )
