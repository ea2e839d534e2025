"""The cost of an empty session, beside an empty span of OpenTelemetry's SDK."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider

from bc_events import events

from .calls import client
from .rounds import ratio, seconds

SCOPES = 500


def empty_scopes() -> dict[str, float]:
    """The times of `with events.session()` and of a decorated function, each divided by that of an empty span."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("benchmark")
    ours = client()

    def spans() -> None:
        for _ in range(SCOPES):
            with tracer.start_as_current_span("benchmark"):
                pass

    def blocks() -> None:
        for _ in range(SCOPES):
            with events.session(client=ours):
                pass

    @events.session(client=ours)
    def decorated() -> None:
        pass

    def calls() -> None:
        for _ in range(SCOPES):
            decorated()

    taken = seconds({"with": blocks, "decorated": calls, "span": spans}, rounds=60)
    return {name: ratio(taken, name, "span") for name in ("with", "decorated")}
