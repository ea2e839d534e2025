"""The outbox of the default client, for commands of `manage.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events.errors import ConfigurationError
from bc_events.outbox.django.outbox import DjangoOutbox

if TYPE_CHECKING:
    from bc_events.client import EventClient


def outbox_of(client: EventClient) -> DjangoOutbox:
    """Raises `ConfigurationError` if it has none in a Django database."""
    if isinstance(client.outbox, DjangoOutbox):
        return client.outbox
    raise ConfigurationError(
        'the default client has no outbox in a Django database; set BC_EVENTS["OUTBOX"] to "django"'
    )
