"""EventsAPI: one attempt at one request, over pooled connections; foreign errors are translated here."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import propagate

from . import forks, wire, witness
from .bearer import BearerToken, TokenError
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
        self._authorise: Any = None
        self._timeout = timeout
        self._given = http
        self._http: requests.Session | None = None
        self.is_closed = False
        self._lock = threading.Lock()
        self._born = forks.generation

    @property
    def deadline(self) -> float:
        """Seconds that one attempt takes at most, as its timeouts go."""
        return sum(self._timeout)

    def prepare(self) -> None:
        """Loads now, on this thread, what a request needs.

        A thread that was importing when the process forked leaves the modules locked for ever in the child.
        """
        import netrc  # noqa: F401, PLC0415  requests imports it with its first request

        self._connected()

    def post(self, request: Request[Any], patience: float | None = None) -> Answer:
        """One attempt; never raises. `patience` caps the timeouts, in seconds. A 401 has the token renewed once."""
        network = witness.network()
        answer = self._attempt(request, patience) if network is None else network(request)
        if witness.is_watching():
            witness.sent(wire.taken(request, answer))
        return answer

    def _attempt(self, request: Request[Any], patience: float | None) -> Answer:
        from requests.exceptions import InvalidHeader, InvalidSchema, InvalidURL  # noqa: PLC0415  with the first request

        try:
            response = self._post(request, patience)
            if response.status_code == _UNAUTHORISED and isinstance(self._authorise, BearerToken):
                self._authorise.reject(response.request)
                response = self._post(request, patience)
        except TokenError as error:
            return Answer(Verdict.AGAIN, str(error), cause=error)
        except (InvalidHeader, InvalidSchema, InvalidURL) as error:
            return Answer(Verdict.FINAL, f"the request could not be made ({type(error).__name__})", cause=error)
        except Exception as error:  # noqa: BLE001  whatever it was, the outcome is unknown and the events are kept
            reason = f"no answer from {self.url} ({type(error).__name__})"
            return Answer(Verdict.AGAIN, reason, cause=error, may_have_arrived=_has_connected(error))
        return wire.read_answer(request, response.status_code, response.headers, response.content)

    def _post(self, request: Request[Any], patience: float | None) -> requests.Response:
        from requests import HTTPError  # noqa: PLC0415  with the first request

        http = self._connected()
        headers = request.headers
        propagate.inject(headers)
        try:
            return http.post(
                self.url + request.path,
                data=request.body,
                headers=headers,
                timeout=self._timeouts(patience),
                allow_redirects=False,
                auth=self._authorise,
            )
        except HTTPError as error:  # a hook of a ready session, such as raise_for_status
            if error.response is None:
                raise
            return error.response

    def _timeouts(self, patience: float | None) -> tuple[float, float]:
        connect, answer = self._timeout
        return (connect, answer) if patience is None else (min(connect, patience), min(answer, patience))

    def _connected(self) -> requests.Session:
        forks.notice()
        if self._born is not forks.generation:
            self._disown()
        if self._http is not None:
            return self._http
        with self._lock:
            if self._http is None:
                self._authorise = _authorising(self._auth, is_ready=self._given is not None)
                self._http = self._given or _pooled()
            return self._http

    def _disown(self) -> None:
        """In a forked child: the parent's connections are not ours to use or to close."""
        self._lock = threading.Lock()
        self._given = self._given and _unconnected(self._given)
        self._http = None
        self._born = forks.generation

    def close(self) -> None:
        """Closes the connections; a ready `requests.Session` that was passed in stays its owner's to close."""
        self.is_closed = True
        if self._http is not None and self._given is None and self._born is forks.generation:
            self._http.close()


def _has_connected(error: Exception) -> bool:
    """False where no connection came about, so that nothing of the request can have arrived."""
    from requests import ConnectTimeout  # noqa: PLC0415  with the first request
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(error, ConnectTimeout) and not isinstance(reason, NewConnectionError)


def _authorising(auth: AuthBase | Callable[[], str] | None, *, is_ready: bool) -> Any:
    from requests.auth import AuthBase  # noqa: PLC0415  loaded with the first request

    if auth is None:
        return None if is_ready else _anonymous
    return auth if isinstance(auth, AuthBase) else BearerToken(auth)


def _anonymous(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """In place of no auth, for which requests would look into ~/.netrc."""
    return prepared


def _pooled() -> requests.Session:
    import requests  # noqa: PLC0415  loaded with the first request
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = requests.Session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, HTTPAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0))
    return session


def _unconnected(session: requests.Session) -> requests.Session:
    """The same settings with no connection."""
    twin = copy.copy(session)
    twin.adapters = OrderedDict((prefix, copy.copy(one)) for prefix, one in session.adapters.items())
    return twin
