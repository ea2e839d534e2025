"""requests: calls of a session carry the live job to our own services, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import BaseAdapter

from bc_events._runtime import argument_checks as check, keywords
from bc_events.propagation import HTTP, Border

from ._hosts import AllowedHosts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

__all__ = ["install"]


@keywords.checked
def install(session: requests.Session, *, hosts: Iterable[str], border: Border = HTTP) -> requests.Session:
    """Makes the session's calls to these hosts carry the job id, `traceparent` and baggage. Returns the session.

    Args:
        session: adapters that are mounted on it stay in use; mount your own before this call.
        hosts: `policies.internal`, `localhost:8000`, or `*.internal` for all below; each redirect is checked again.
        border: the names of the headers; by default the actor does not travel.

    Raises `ConfigurationError`.
    """
    allowed = AllowedHosts(hosts, border)
    if not callable(getattr(session, "mount", None)) or isinstance(session, type):
        raise check.wrong(
            "session", session, "a requests.Session(); for a client of httpx there is bc_events.integrations.httpx"
        )
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, _Carrying(adapter, allowed))
    return session


class _Carrying(BaseAdapter):
    """An adapter around another one.

    In `requests`, adapters are the place for headers that depend on the connection.
    """

    def __init__(self, adapter: BaseAdapter, allowed: AllowedHosts) -> None:
        super().__init__()
        self._adapter = adapter
        self._allowed = allowed

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        headers = self._allowed.headers_for(request.url or "", request.headers)
        if headers:
            request = request.copy()  # a redirect starts from the original request, which has none of these headers
            request.headers.update(headers)
        return self._adapter.send(request, *args, **kwargs)

    def close(self) -> None:
        self._adapter.close()
