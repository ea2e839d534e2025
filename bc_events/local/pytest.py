"""A pytest fixture: `pytest_plugins = ["bc_events.local.pytest"]` in a conftest.py gives tests `local_events_api`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .server import LocalEventsAPI

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def local_events_server() -> Iterator[LocalEventsAPI]:
    """The server behind `local_events_api`. There is one for the whole run."""
    with LocalEventsAPI() as api:
        yield api


@pytest.fixture
def local_events_api(local_events_server: LocalEventsAPI) -> LocalEventsAPI:
    """A local Events API, cleared and without faults."""
    local_events_server.clear()
    return local_events_server
