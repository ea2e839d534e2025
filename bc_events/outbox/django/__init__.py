"""The outbox in Django's own database: an event is a row of the transaction it was published in.

Put "bc_events.outbox.django" into INSTALLED_APPS, migrate, and run `manage.py bc_events_relay`.
"""

from .outbox import DjangoOutbox

__all__ = ["DjangoOutbox"]
