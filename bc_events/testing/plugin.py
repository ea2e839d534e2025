"""The pytest plugin: the fixtures, and a network that is closed unless a test asks for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bc_events.observers import Network

    from .captured import CapturedEvents

_OPTION = "bc_events_network"
_MARKER = "bc_events_network: events of this test really travel to its client's api_url"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("bc_events").addoption(
        "--bc-events-network",
        action="store_true",
        dest=_OPTION,
        help="let events of all tests travel to their clients' api_url (by default nothing is sent)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    with _closed(session):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    with _closed(session):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    if not _asks_for_the_network(item):
        return (yield)
    with _connected(None):
        return (yield)


@contextmanager
def _closed(session: pytest.Session) -> Iterator[None]:
    """While modules are imported, and while tests run: no network, but by the option."""
    if session.config.getoption(_OPTION):
        yield
        return
    from .network import refusing  # noqa: PLC0415  not before coverage is measured

    with _connected(refusing):
        yield


@contextmanager
def _connected(network: Network) -> Iterator[None]:
    from bc_events import observers  # noqa: PLC0415  not before coverage is measured

    observers.connect(network)
    try:
        yield
    finally:
        observers.disconnect(network)


def _asks_for_the_network(item: pytest.Item) -> bool:
    """By option or marker, or because it has a local Events API to talk to."""
    fixtures = getattr(item, "fixturenames", ())
    return bool(
        item.config.getoption(_OPTION) or item.get_closest_marker("bc_events_network") or "local_events_api" in fixtures
    )


@pytest.fixture
def captured_events(request: pytest.FixtureRequest) -> Iterator[CapturedEvents]:
    """Everything this process publishes during the test. Nothing is sent, unless the test asks for the network."""
    from .capture import capture_events  # noqa: PLC0415  loads the library
    from .network import accepting  # noqa: PLC0415

    with capture_events(network=None if _asks_for_the_network(request.node) else accepting) as captured:
        yield captured


@pytest.fixture
def deterministic_events() -> Iterator[None]:
    """The same event ids, job ids and times in each run."""
    from .determinism import deterministic_events as fixed  # noqa: PLC0415  loads the library

    with fixed():
        yield
