"""The same service twice, by ASGI and by WSGI: each request publishes twice, waits in between, and may fail."""

from bc_events.propagation import Border

TRUSTED = Border(actor_id="x-actor", actor_type="x-actor-type")
OUTCOMES = ("ok", "raises", "refuses", "ok elsewhere")
"""The outcome of request N is `OUTCOMES[N % 4]`."""
