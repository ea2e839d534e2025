"""EventsAPI: one attempt at one request, over pooled connections; foreign errors are translated here."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime import forks, logs
from bc_events._runtime.interrupts import raised_outside

from . import networks, observers, telemetry, wire
from .attempt import Attempt
from .bearer import BearerToken, TokenError
from .content_coding import ACCEPT_ENCODING
from .wire import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from requests.auth import AuthBase

    from .request import Request
    from .transport import Transport

_UNAUTHORISED: Final = 401
_PROXY_UNAUTHORISED: Final = 407


class EventsAPI:
    """One Events API as one service sees it. Threads share its pooled connections; a forked child gets new ones."""

    def __init__(
        self,
        url: str,
        *,
        auth: AuthBase | Callable[[], str] | None,
        timeout: tuple[float, float],
        http: requests.Session | None,
    ) -> None:
        self.url = url
        self._auth = auth
        self._timeout = timeout
        self._given = http
        self._transport: Transport | None = None
        self._bearer: BearerToken | None = None
        self.is_closed: bool = False
        self._lock = threading.RLock()
        self._born = forks.generation

    @property
    def deadline(self) -> float:
        """The most seconds that one attempt may take: the sum of its timeouts."""
        return sum(self._timeout)

    def prepare(self) -> None:
        """Loads now, on this thread, what a request needs.

        A thread that was importing when the process forked leaves the modules locked for ever in the child.
        """
        import requests.exceptions  # noqa: F401, PLC0415

        telemetry.prepare()
        self._connected()

    def post(self, request: Request[Any], attempt: Attempt | None = None) -> Answer:
        """Makes one attempt. Raises only an exception from outside. After a 401 it renews the token, once."""
        attempt = attempt or Attempt()
        network = networks.current(self.url)
        observers.posting(self.url, request)
        if network is None:
            answer = self._attempted(request, attempt)
        else:
            attempt.was_sent = True
            answer = network(request)
        observers.answered(self.url, request, answer)
        return answer

    def _attempted(self, request: Request[Any], attempt: Attempt) -> Answer:
        # The first request imports all of `requests`. A thread that imported only a part of it, while another thread
        # was still importing the rest, could see a half-made module.
        import requests  # noqa: F401, PLC0415

        handled = sys.exception()
        attempt.begin(self.deadline, max_bytes=wire.longest_response(request))
        try:
            with attempt:
                return self._answered(request, attempt)
        except Exception as error:  # noqa: BLE001  whatever it was, the events are kept
            outside = raised_outside(error, handled=handled)
            if outside is None:
                return self._failed(error, attempt, self._address(request))
        raise outside

    def _answered(self, request: Request[Any], attempt: Attempt) -> Answer:
        response = self._post(request, attempt)
        if response.status_code == _UNAUTHORISED and self._bearer is not None:
            attempt.was_sent = False  # a request with a refused token has no effect
            self._bearer.reject(response.request)
            response = self._post(request, attempt)
        if response.status_code == _PROXY_UNAUTHORISED:
            attempt.was_sent = False  # a proxy has answered, and passed nothing on
        answer = wire.read_answer(
            request, response.status_code, response.headers, response.content, address=self._address(request)
        )
        if attempt.has_leftover and answer.verdict is not Verdict.SETTLED:
            reason = f"HTTP {response.status_code}, with more bytes after its end"
            answer = Answer(Verdict.AGAIN, reason, status=response.status_code, is_readable=False)
        if answer.is_readable:
            attempt.understood()
        return answer

    def _failed(self, error: Exception, attempt: Attempt, address: str) -> Answer:
        from . import reasons  # noqa: PLC0415  loads requests

        if isinstance(error, TokenError):
            return Answer(Verdict.FINAL if error.is_final else Verdict.AGAIN, str(error), cause=error)
        if reasons.is_impossible(error) and not attempt.was_sent:
            return Answer(Verdict.FINAL, reasons.of_impossible(error), cause=error)
        reason = reasons.of_failure(error, address)
        logs.write(logging.DEBUG, "an attempt failed: %s", reason, exc_info=error, bc_reason=reason)
        return Answer(Verdict.AGAIN, reason)

    def _address(self, request: Request[Any]) -> str:
        return f"POST {self.url}{request.path}"

    def _post(self, request: Request[Any], attempt: Attempt) -> requests.Response:
        own = request.headers
        taken = {name.lower() for name in own}
        others = {name: value for name, value in telemetry.propagated().items() if name.lower() not in taken}
        headers = {**others, "Accept-Encoding": ACCEPT_ENCODING, **own}
        return self._connected().post(request.path, request.body, headers, self._timeouts(attempt.patience))

    def _timeouts(self, patience: float | None) -> tuple[float, float]:
        connect, answer = self._timeout
        return (connect, answer) if patience is None else (min(connect, patience), min(answer, patience))

    def _connected(self) -> Transport:
        forks.notice()
        if self._born is not forks.generation:
            self._disown()
        return self._transport or self._connect()

    def _connect(self) -> Transport:
        import requests  # noqa: F401, PLC0415  as in _attempt
        from requests.auth import AuthBase  # noqa: PLC0415

        from .transport import PooledTransport, SessionTransport  # noqa: PLC0415

        with self._lock:
            if self._transport is None:
                bearer = None if self._auth is None or isinstance(self._auth, AuthBase) else BearerToken(self._auth)
                auth: Any = bearer or self._auth
                given = self._given
                made = PooledTransport(self.url, auth) if given is None else SessionTransport(self.url, auth, given)
                if self._transport is None:  # a signal handler may have connected meanwhile
                    self._bearer, self._transport = bearer, made
            return self._transport

    def _disown(self) -> None:
        """Called in a forked child, which must not use or close its parent's connections."""
        self._lock = threading.RLock()
        self._transport = self._transport and self._transport.unconnected()
        self._born = forks.generation

    def close(self) -> None:
        """Closes the connections, but not a `requests.Session` that was passed in: its owner closes it."""
        self.is_closed = True
        if self._transport is not None and self._born is forks.generation:
            self._transport.close()
