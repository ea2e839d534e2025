"""LocalAPI: a local Events API as a command reaches it, and what it says on a stream."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import click
import orjson
import requests

from .escaping import escaped
from .exit_codes import MISUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONNECT: Final = 3.05
_READ: Final = 60.0
"""Seconds. A stream has a line every 15 seconds, whether events come or not."""
_PAUSE: Final = 0.5


class LocalAPIError(click.ClickException):
    """It cannot be reached, or refuses what it is asked."""

    exit_code = MISUSED


class LocalAPI:
    """Asks a local Events API at a URL, of which its token may be a part."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor netrc is meant for a local server

    def ask(self, path: str, parameters: Mapping[str, Any], *, allowed: int | None = None) -> Any:
        """The JSON at a path, also with the status `allowed`. Raises `LocalAPIError`."""
        with self._requested("GET", path, allowed=allowed, params=parameters) as response:
            return response.content

    def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The response to a POST. Raises `LocalAPIError`."""
        with self._requested("POST", path, data=body, headers=headers) as response:
            return response.content

    def _response(self, path: str, parameters: Mapping[str, Any], **headers: str) -> requests.Response:
        return self._requested("GET", path, params=parameters, headers=headers)

    def _requested(self, method: str, path: str, *, allowed: int | None = None, **options: Any) -> requests.Response:
        try:
            response = self._http.request(
                method, f"{self.url}{path}", timeout=(_CONNECT, _READ), stream=True, **options
            )
        except requests.RequestException as error:
            raise LocalAPIError(
                f"no local Events API answers at {escaped(self.url)}; start one with: bc-events serve"
            ) from error
        if not response.ok and response.status_code != allowed:
            raise LocalAPIError(self._why(response))
        return response

    def _why(self, response: requests.Response) -> str:
        try:
            answer = orjson.loads(response.content)
            said = answer.get("errorMessage") or answer["error"]
        except (ValueError, TypeError, KeyError, AttributeError, requests.RequestException):
            said = f"status {response.status_code}; this is no local Events API"
        return f"{escaped(self.url)}: {escaped(str(said))}"

    def stream(self, q: str, after: int | None) -> EventStream:
        """The events that come from now on, or after one. Raises `LocalAPIError` if it cannot begin."""
        parameters = {"q": q} if after is None else {"q": q, "after": after}
        return EventStream(self, parameters, self._response("/api/events/stream", parameters))

    def resumed(self, parameters: Mapping[str, Any], last: str) -> requests.Response:
        return self._response("/api/events/stream", parameters, **{"Last-Event-ID": last})


class EventStream:
    """Puts each event into `events`, on a thread of its own; an exception there is the end. It survives breaks."""

    def __init__(self, api: LocalAPI, parameters: Mapping[str, Any], response: requests.Response) -> None:
        self.events: SimpleQueue[bytes] = SimpleQueue()
        self._api = api
        self._parameters = parameters
        self._last = ""
        self._is_over = threading.Event()
        self._response = response
        self._thread = threading.Thread(target=self._run, name="bc-events-stream", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                for line in self._data():
                    self.events.put(line)
            except (requests.RequestException, OSError, ValueError):  # a response that is being closed
                pass
            self._connect()

    def _data(self) -> Iterator[bytes]:
        for line in self._response.iter_lines(chunk_size=1024):
            name, _, value = line.partition(b": ")
            if name == b"id":
                self._last = value.decode()
            elif name == b"data" and value != b"{}":
                yield value

    def _connect(self) -> None:
        while not self._is_over.wait(_PAUSE):
            try:
                self._response = self._api.resumed(self._parameters, self._last)
            except LocalAPIError:
                continue
            return

    def close(self) -> None:
        """Ends the thread, which may be reading."""
        self._is_over.set()
        with suppress(OSError, RuntimeError, ValueError):  # the connection may be closed already
            self._response.raw.shutdown()
        self._thread.join(_CONNECT)
        self._response.close()
