"""Our own tests talk to real servers, on loopback, and press Ctrl-C."""

import logging
import signal

import pytest


def pytest_configure(config):
    config.option.bc_events_network = True
    # A shell starts what runs in the background with this signal ignored, and processes hand that down.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def caplog(caplog):
    """What the library logged. Others log when they like: asyncio, of a test before, when its task is collected."""
    ours = logging.Filter("bc.events")
    caplog.handler.addFilter(ours)
    yield caplog
    caplog.handler.removeFilter(ours)
