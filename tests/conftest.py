"""Our own tests talk to real servers, on loopback, and press Ctrl-C."""

import signal


def pytest_configure(config):
    config.option.bc_events_network = True
    # A shell starts what runs in the background with this signal ignored, and processes hand that down.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
