"""httpx (and its successor httpx2): calls of a client carry the live job to our own services, and to nobody else."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeVar

from bc_events._runtime import argument_checks as check, keywords
from bc_events.propagation import HTTP, Border

from ._hosts import AllowedHosts

if not (find_spec("httpx") or find_spec("httpx2")):
    raise ModuleNotFoundError(
        "bc_events.integrations.httpx needs httpx, which is not installed: pip install httpx", name="httpx"
    )

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx
    import httpx2

    _C = TypeVar("_C", httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient)

__all__ = ["install"]

_ADDED: Final = "bc_events"


@keywords.checked
def install(client: _C, *, hosts: Iterable[str], border: Border = HTTP) -> _C:
    """Makes the client's calls to these hosts carry the job id, `traceparent` and baggage. Returns the client.

    Args:
        client: a `Client` or an `AsyncClient`.
        hosts: `policies.internal`, `localhost:8000`, or `*.internal` for all below; each redirect is checked again.
        border: the names of the headers; by default the actor does not travel.

    Raises `ConfigurationError`.
    """
    if not isinstance(getattr(client, "event_hooks", None), dict):
        raise check.wrong(
            "client",
            client,
            "a Client() or an AsyncClient() of httpx; for a requests.Session there is bc_events.integrations.requests",
        )
    hook = _RequestHook(AllowedHosts(hosts, border))
    client.event_hooks["request"].append(hook.carry_async if hasattr(client, "aclose") else hook.carry)
    return client


class _RequestHook:
    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed

    def carry(self, request: httpx.Request | httpx2.Request) -> None:
        """Adds the headers, and first removes those that a redirect has from the request before it."""
        for name, value in request.extensions.get(_ADDED, {}).items():
            if request.headers.get(name) == value:
                del request.headers[name]
        added = self._allowed.headers_for(str(request.url), request.headers)
        request.headers.update(added)
        request.extensions = {**request.extensions, _ADDED: added}

    async def carry_async(self, request: httpx.Request | httpx2.Request) -> None:
        self.carry(request)
