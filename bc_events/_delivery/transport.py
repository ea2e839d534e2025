"""Transport: how one POST goes out through `requests`, on connections of our own or by a session that was given."""

from __future__ import annotations

import copy
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from bc_events._runtime import logs
from bc_events._runtime.interrupts import isolated

from .attempt import ResponseTooLong, current
from .connection import bound
from .content_coding import unpacked
from .loopback import is_loopback
from .redirects import is_redirect

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.auth import AuthBase

_POOL: Final = 32
_PIECE: Final = 1 << 13


class Transport(Protocol):
    """Threads share it. It raises what `requests` raises. It never follows a redirect, and never looks where one leads.

    It keeps to the attempt that its thread makes, and has read the response when it returns.
    """

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        """`timeout` is to connect and to wait for each part of the answer, in seconds."""
        ...

    def unconnected(self) -> Transport:
        """The same with no connection: a forked child must neither use nor close its parent's."""
        ...

    def close(self) -> None:
        """Closes connections of our own."""


class PooledTransport:
    """Posts on the library's own connections.

    `Session.post` works out for each request the address, and what the environment says of proxies and certificates.
    Here the first request does that for all.
    """

    def __init__(self, url: str, auth: AuthBase | None) -> None:
        self._url = url
        self._auth = auth
        self._http = requests.Session()
        for prefix in ("http://", "https://"):
            self._http.mount(prefix, _BoundAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0))
        self._settings: dict[str, Any] = {}
        self._addresses: dict[str, str] = {}

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        prepared = requests.PreparedRequest()
        prepared.prepare_method("POST")
        prepared.url = self._addresses.get(path) or self._address(path)
        prepared.prepare_headers({**self._http.headers, **headers})
        prepared.prepare_cookies(self._http.cookies)
        prepared.prepare_body(body, None)
        if self._auth is not None:
            prepared.prepare_auth(self._auth)
        prepared.prepare_hooks({"response": [_read, _stay]})
        return self._http.send(prepared, timeout=timeout, allow_redirects=False, **self._settings)

    def _address(self, path: str) -> str:
        prepared = requests.PreparedRequest()
        prepared.prepare_url(self._url + path, None)
        self._settings = dict(
            self._http.merge_environment_settings(str(prepared.url), _proxies(self._url), True, None, None)  # noqa: FBT003
        )
        return self._addresses.setdefault(path, str(prepared.url))

    def unconnected(self) -> PooledTransport:
        return PooledTransport(self._url, self._auth)

    def close(self) -> None:
        self._http.close()


class _BoundAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **options)
        bound(pool)
        return pool


class SessionTransport:
    """Posts by a ready session, with all that its class adds to `post`. The session's owner closes it.

    Only the credentials that its owner set are sent: no login is looked up in a netrc file.
    """

    def __init__(self, url: str, auth: AuthBase | None, http: requests.Session) -> None:
        self._url = url
        self._auth = auth
        self._http = http

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        url, proxies = self._url + path, _proxies(self._url)
        attempt = current()
        if attempt is not None:
            attempt.was_sent = not self._is_bound(url, proxies)
        return self._http.post(
            url,
            data=body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            stream=True,
            auth=self._auth or (None if self._http.auth else _unauthorised),
            proxies=proxies,
            hooks={"response": [_read, *_hooks_of(self._http), _stay]},
        )

    def _is_bound(self, url: str, proxies: dict[str, str]) -> bool:
        """Makes its connections to the API keep to attempts; False where its adapter may send in another way."""
        adapter = self._http.get_adapter(url)
        if not isinstance(adapter, HTTPAdapter):
            return False
        prepared = requests.PreparedRequest()
        prepared.prepare_url(url, None)
        settings = self._http.merge_environment_settings(str(prepared.url), dict(proxies), True, None, None)  # noqa: FBT003
        pool = adapter.get_connection_with_tls_context(
            prepared, settings["verify"], proxies=settings["proxies"], cert=settings["cert"]
        )
        return bound(pool) and type(adapter).send is HTTPAdapter.send

    def unconnected(self) -> SessionTransport:
        copied = copy.copy(self._http)
        copied.adapters = OrderedDict((prefix, _unconnected(one)) for prefix, one in self._http.adapters.items())
        return SessionTransport(self._url, self._auth, copied)

    def close(self) -> None:
        """Does nothing: the session's owner closes it."""


def _unconnected(adapter: BaseAdapter) -> BaseAdapter:
    """A copy without connections. `HTTPAdapter` itself copies only the attributes that it knows."""
    copied = object.__new__(type(adapter))
    vars(copied).update(vars(adapter))
    if isinstance(copied, HTTPAdapter):
        copied.proxy_manager = {}
        made = vars(copied)
        copied.init_poolmanager(made["_pool_connections"], made["_pool_maxsize"], block=made["_pool_block"])
    return copied


def _proxies(url: str) -> dict[str, str]:
    """Proxies that keep requests to this machine off every proxy. `requests` first looks for this scheme and host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return {f"{parts.scheme}://{host}": ""} if is_loopback(host) else {}


def _unauthorised(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leaves a request as it is: without any `auth`, `requests` looks for a login in netrc."""
    return prepared


def _hooks_of(http: requests.Session) -> list[Callable[..., Any]]:
    hooks = http.hooks.get("response") or []
    return [_isolated(hook) for hook in ([hooks] if callable(hooks) else hooks)]


def _isolated(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that raises, or returns something else, does not change what the API has answered."""

    def called(response: requests.Response, *arguments: Any, **options: Any) -> requests.Response | None:
        found = isolated(_report, hook, response, *arguments, **options)
        return found if isinstance(found, requests.Response) else None

    return called


def _report() -> None:
    logs.write(logging.ERROR, "a hook of the given requests.Session failed; the response counts", exc_info=True)


def _read(response: requests.Response, *_: object, **__: object) -> None:
    """Reads the body within its limits. Hooks that come later find it read."""
    try:
        response._content = _body(response)  # where `requests` keeps it
    except BaseException:
        response.close()
        raise


def _body(response: requests.Response) -> bytes:
    attempt = current()
    if is_redirect(response.status_code):
        response.close()
        return b""
    pieces = []
    left = attempt.max_bytes if attempt is not None else 0
    for piece in response.iter_content(_PIECE):
        left -= len(piece)
        if attempt is None or left < 0:
            raise ResponseTooLong
        attempt.left()
        pieces.append(piece)
    body = b"".join(pieces)
    return body if attempt is None else unpacked(body, attempt.coding, attempt.max_bytes)


def _stay(response: requests.Response, *_: object, **__: object) -> None:
    """Hides where a redirect leads: `requests` would look up a login for that host, although it does not follow."""
    response.headers.pop("Location", None)
