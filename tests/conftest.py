"""Our own tests talk to real servers, on loopback."""


def pytest_configure(config):
    config.option.bc_events_network = True
