"""The pytest plugin: the fixtures, and a network that is closed unless a test asks for it."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

import pytest

from bc_events._delivery import networks

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Generator, Iterator

    from .captured import CapturedEvents

_OPTION = "bc_events_network"
_IS_CLOSED = pytest.StashKey[bool]()
_MARKER = "bc_events_network: events of this test really travel to its client's api_url"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("bc_events").addoption(
        "--bc-events-network",
        action="store_true",
        dest=_OPTION,
        help="let events of all tests travel to their clients' api_url (by default nothing is sent)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Runs before other plugins and code of the service: pytest-django loads its settings and applications here."""
    _close(early_config, early_config.known_args_namespace)
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    _close(config, config.option)  # a conftest may have named this plugin


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    if not _asks_for_the_network(item):
        return (yield)
    networks.connect(None)
    try:
        return (yield)
    finally:
        networks.disconnect(None)


def _close(config: pytest.Config, options: Namespace) -> None:
    """Closes the network until the end of the run, unless the option or a test asks for it."""
    networks.note_test_run()
    if _IS_CLOSED in config.stash or getattr(options, _OPTION):
        return
    config.stash[_IS_CLOSED] = True
    networks.connect(networks.closed)
    config.add_cleanup(_give_back)


def _give_back() -> None:
    """Opens the network again, because another run may be around this one.

    At exit it is closed once more, before older exit functions run.
    """
    networks.disconnect(networks.closed)
    atexit.register(networks.connect, networks.closed)


def _asks_for_the_network(item: pytest.Item) -> bool:
    """Whether the option, the marker or the `local_events_api` fixture asks for it."""
    fixtures = getattr(item, "fixturenames", ())
    return bool(
        item.config.getoption(_OPTION) or item.get_closest_marker("bc_events_network") or "local_events_api" in fixtures
    )


@pytest.fixture
def captured_events(request: pytest.FixtureRequest) -> Iterator[CapturedEvents]:
    """The events that this process publishes during the test. They are sent only if the test asks for the network."""
    from .capture import capture_events  # noqa: PLC0415  loads the library

    with capture_events(network=None if _asks_for_the_network(request.node) else networks.accepting) as captured:
        yield captured


@pytest.fixture
def deterministic_events() -> Iterator[None]:
    """The same event ids, job ids and times in each run."""
    from .determinism import deterministic_events as fixed  # noqa: PLC0415  loads the library

    with fixed():
        yield
