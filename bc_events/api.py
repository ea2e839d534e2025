"""EventsAPI: one attempt at one request, over pooled connections; foreign errors are translated here."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import propagate

from . import forks, wire, witness
from .wire import Answer, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from requests.auth import AuthBase

_UNAUTHORISED: Final = 401
_POOL: Final = 32


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
        self._http: requests.Session | None = None
        self._token: str | None = None
        self.is_closed = False
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._http = None if self._http is None else _unconnected(self._http)
        self._born = forks.generation

    def post(self, request: Request[Any], patience: float | None = None) -> Answer:
        """One attempt; never raises. `patience` caps the timeouts, in seconds. A 401 has the token renewed once."""
        network = witness.network()
        answer = self._attempt(request, patience) if network is None else network(request)
        if witness.is_watching():
            witness.sent(wire.taken(request, answer))
        return answer

    def _attempt(self, request: Request[Any], patience: float | None) -> Answer:
        try:
            answer = self._post(request, patience)
            if answer.status == _UNAUTHORISED and self._token is not None:
                self._token = None
                answer = self._post(request, patience)
        except (TypeError, ValueError) as error:
            return Answer(Verdict.FINAL, f"the request could not be made ({type(error).__name__})", cause=error)
        except Exception as error:  # noqa: BLE001  whatever it was, the outcome is unknown and the events are kept
            return Answer(Verdict.AGAIN, f"no answer from {self.url} ({type(error).__name__})", cause=error)
        return answer

    def _post(self, request: Request[Any], patience: float | None) -> Answer:
        headers = request.headers
        propagate.inject(headers)
        response = self._connected().post(
            self.url + request.path,
            data=request.body,
            headers=headers,
            timeout=self._timeouts(patience),
            allow_redirects=False,
            auth=self._authorise,
        )
        return wire.read_answer(request, response.status_code, response.headers, response.content)

    def _timeouts(self, patience: float | None) -> tuple[float, float]:
        connect, answer = self._timeout
        return (connect, answer) if patience is None else (min(connect, patience), min(answer, patience))

    def _authorise(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        from requests.auth import AuthBase  # noqa: PLC0415  loaded with the first request

        if self._auth is None:
            return prepared
        if isinstance(self._auth, AuthBase):
            return self._auth(prepared)
        token = self._token
        if token is None:
            token = self._token = self._auth()
        prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared

    def _connected(self) -> requests.Session:
        if self._born is not forks.generation:
            self._renew()
        http = self._http
        if http is not None:
            return http
        with self._lock:
            if self._http is None:
                self._http = self._given or _pooled()
            return self._http

    def close(self) -> None:
        """Closes the connections; a ready `requests.Session` that was passed in stays its owner's to close."""
        self.is_closed = True
        if self._http is not None and self._given is None and self._born is forks.generation:
            self._http.close()


def _pooled() -> requests.Session:
    import requests  # noqa: PLC0415  loaded with the first request
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = requests.Session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, HTTPAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0))
    return session


def _unconnected(session: requests.Session) -> requests.Session:
    """The same settings with no connection: those of the parent process are not ours to use or to close."""
    twin = copy.copy(session)
    twin.adapters = OrderedDict((prefix, copy.copy(one)) for prefix, one in session.adapters.items())
    return twin
