"""Forwarder: passes accepted events on to a real Events API, in the background."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from bc_events._delivery.api import EventsAPI
from bc_events._delivery.flush import Flush
from bc_events._delivery.request import Request
from bc_events.errors import DeliveryError

from .outgoing import failures, outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .received_event import ReceivedEvent

_TIMEOUT: Final = (3.05, 10.0)
_RETRY_BUDGET: Final = 5.0
_LONGEST_END: Final = 20.0
"""Seconds that the requests at hand may take at the end: those of an attempt and its retries."""
_MOST_KEPT: Final = 100
_PASSED_ON: Final = ("authorization", "traceparent", "tracestate", "baggage")


@dataclass(frozen=True, slots=True)
class _Parcel:
    """The events of one request, which keep its key, and the headers that go on with them."""

    events: Sequence[ReceivedEvent]
    key: str | None
    headers: dict[str, str]


class Forwarder:
    """A request is passed on as one request with the same `Idempotency-Key`, retried as a client would."""

    def __init__(self, url: str, *, passes_authorization: bool) -> None:
        """`passes_authorization`: whether the header is meant for the other API, and is not the token of this one."""
        self.url = url
        self._names = _PASSED_ON if passes_authorization else _PASSED_ON[1:]
        self._headers: dict[str, str] = {}
        self._api = EventsAPI(url, auth=_authorised_by(self), timeout=_TIMEOUT, http=None)
        self._parcels: SimpleQueue[_Parcel | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = self._forwarded = self._failed = 0
        self._failures: deque[dict[str, str]] = deque(maxlen=_MOST_KEPT)
        self._thread = threading.Thread(target=self._run, name="bc-events-forwarder", daemon=True)
        self._thread.start()

    def pass_on(self, events: Sequence[ReceivedEvent], key: str | None, headers: Mapping[str, str]) -> None:
        """Returns at once. `headers` are those of the request, with lower-case names."""
        if not events:
            return
        with self._lock:
            self._waiting += len(events)
        self._parcels.put(_Parcel(events, key, {name: headers[name] for name in self._names if name in headers}))

    def state(self) -> dict[str, Any]:
        """As `GET /api/forwarding` shows it."""
        with self._lock:
            return {
                "url": self.url,
                "waiting": self._waiting,
                "forwarded": self._forwarded,
                "failed": self._failed,
                "failures": list(self._failures),
            }

    def close(self) -> None:
        """Passes on what waits, within a time."""
        self._parcels.put(None)
        self._thread.join(_LONGEST_END)
        self._api.close()

    def _run(self) -> None:
        while (parcel := self._parcels.get()) is not None:
            self._headers = parcel.headers
            failed = self._sent(parcel)
            with self._lock:
                self._waiting -= len(parcel.events)
                self._forwarded += len(parcel.events) - len(failed)
                self._failed += len(failed)
                self._failures.extend(failed)

    def _sent(self, parcel: _Parcel) -> list[dict[str, str]]:
        request = Request.of(outgoing(parcel.events), parcel.key)
        try:
            Flush(self._api, [request], _RETRY_BUDGET).run()
        except DeliveryError as error:
            return failures(error)
        return []

    @property
    def headers(self) -> dict[str, str]:
        """Of the request that is being passed on."""
        return self._headers


def _authorised_by(forwarder: Forwarder) -> Any:
    """Puts the headers of the original request into the one that is sent."""
    from requests.auth import AuthBase  # noqa: PLC0415  a server that forwards nothing does not load it

    class PassedOn(AuthBase):
        def __call__(self, prepared: Any) -> Any:
            prepared.headers.update(forwarder.headers)
            return prepared

    return PassedOn()
