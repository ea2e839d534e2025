"""The channels of this process: one for each `api_url` that may be a local Events API."""

from __future__ import annotations

import atexit
import threading
from typing import Final

from bc_events._delivery import observers
from bc_events._runtime import forks

from .channel import Channel
from .observer import ReportObserver

_changing = threading.RLock()
_channels: dict[str, Channel] = {}
_observer: Final = ReportObserver(_channels.get)


def _renew() -> None:
    global _changing  # noqa: PLW0603  another thread of the parent may hold it for ever
    _changing = threading.RLock()
    for channel in _channels.values():
        channel.begin()


forks.after_fork(_renew)


def channel_to(url: str) -> Channel:
    """The channel to this `api_url`, made when first needed. From then on it hears of requests that go there."""
    channel = _channels.get(url)
    if channel is not None:
        return channel
    with _changing:
        if url not in _channels:
            _channels[url] = Channel(url, on_off=_forget_observer)
            observers.remove(_observer)
            observers.add(_observer)
        return _channels[url]


def _forget_observer() -> None:
    """Where no channel is in use any more, publishing costs no more than it does elsewhere."""
    with _changing:
        if all(channel.is_off for channel in _channels.values()):
            observers.remove(_observer)


def _finish() -> None:
    for channel in list(_channels.values()):
        channel.finish()


atexit.register(_finish)
