"""Django: a session around each request, settings in `BC_EVENTS`, and transactions that decide what is sent.

Put "bc_events.integrations.django" into INSTALLED_APPS, and `EventsMiddleware` last into MIDDLEWARE.
"""

try:
    import django as _django  # noqa: F401  named in the error below where it is not installed
except ImportError as _error:
    raise ModuleNotFoundError(
        "bc_events.integrations.django needs Django, which is not installed: pip install 'bc_events[django]'",
        name="django",
    ) from _error

from .middleware import EventsMiddleware
from .transactions import follow_transactions

__all__ = ["EventsMiddleware", "follow_transactions"]
