"""Posting: how one POST goes out through `requests`, on connections of our own or by a session that was given."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Protocol

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from requests.auth import AuthBase

_POOL: Final = 32


class Posting(Protocol):
    """Threads share it. It raises what `requests` raises; redirects are answers like others."""

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        """`timeout` is to connect and to wait for each part of the answer, in seconds."""
        ...

    def unconnected(self) -> Posting:
        """The same with no connection: a forked child must neither use nor close its parent's."""
        ...

    def close(self) -> None:
        """Closes connections of our own."""


class OwnPosting:
    """On connections of our own. A flush of many requests pays once for what `Session.post` works out for each:

    the address, and what the environment says of proxies and certificates, which is read with the first request.
    """

    def __init__(self, url: str, auth: AuthBase | None) -> None:
        self._url = url
        self._auth = auth
        self._http = requests.Session()
        for prefix in ("http://", "https://"):
            self._http.mount(prefix, HTTPAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0))
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
        return self._http.send(prepared, timeout=timeout, allow_redirects=False, **self._settings)

    def _address(self, path: str) -> str:
        prepared = requests.PreparedRequest()
        prepared.prepare_url(self._url + path, None)
        self._settings = dict(self._http.merge_environment_settings(prepared.url, {}, None, None, None))
        return self._addresses.setdefault(path, str(prepared.url))

    def unconnected(self) -> OwnPosting:
        return OwnPosting(self._url, self._auth)

    def close(self) -> None:
        self._http.close()


class GivenPosting:
    """By a ready session, whose owner closes it: its `post` is the way, with all that its class adds to it."""

    def __init__(self, url: str, auth: AuthBase | None, http: requests.Session) -> None:
        self._url = url
        self._auth = auth
        self._http = http

    def post(self, path: str, body: bytes, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
        try:
            return self._http.post(
                self._url + path, data=body, headers=headers, timeout=timeout, allow_redirects=False, auth=self._auth
            )
        except requests.HTTPError as error:  # a hook of the session, such as raise_for_status
            if error.response is None:
                raise
            return error.response

    def unconnected(self) -> GivenPosting:
        twin = copy.copy(self._http)
        twin.adapters = OrderedDict((prefix, copy.copy(one)) for prefix, one in self._http.adapters.items())
        return GivenPosting(self._url, self._auth, twin)

    def close(self) -> None:
        """Nothing: it is its owner's."""
