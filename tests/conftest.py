"""Our own tests talk to real servers, on loopback, and press Ctrl-C."""

import logging
import os
import shutil
import signal
import ssl
from pathlib import Path

import pytest
import requests
import trustme
from hypothesis import settings

from bc_events import EventClient

settings.register_profile("the same in each run", derandomize=True)
settings.load_profile("the same in each run")

MEMORY = Path("/dev/shm")
MUCH = 2**28
TOPICS = {
    "DefaultCategory": "testing",
    "Topics": [
        {"Action": "Created", "Entity": "Test", "Schema": {"type": "object", "required": ["id"]}},
        {"Action": "Updated", "Entity": "MyEntity", "Category": "other", "Schema": {"type": "object"}},
    ],
}


def pytest_configure(config):
    config.option.bc_events_network = True
    # A shell starts what runs in the background with this signal ignored, and processes hand that down.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Databases in files commit thousands of times. On a disk, each test would wait for that.
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MUCH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are cores, because a third of the suite's time is waiting for servers and processes."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else None


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server for each test process."""
    from tests.postgres import PostgreSQL

    server = PostgreSQL(fsync="off")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb():
    """A MariaDB server for each test process. Without one installed, the tests that want it are reported as skipped."""
    from tests.mariadb import MISSING, MariaDB, is_installed

    if not is_installed():
        pytest.skip(MISSING)
    server = MariaDB(innodb_flush_log_at_trx_commit=0)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def caplog(caplog):
    """The records of this library alone. Others log at any time, such as asyncio about a task of an earlier test."""
    ours = logging.Filter("bc.events")
    caplog.handler.addFilter(ours)
    yield caplog
    caplog.handler.removeFilter(ours)


@pytest.fixture
def client_of():
    """Makes clients of an API; closes them."""
    clients = []

    def client_of(api, **settings):
        clients.append(EventClient(getattr(api, "url", api), "TestService", TOPICS, **settings))
        return clients[-1]

    yield client_of
    for client in clients:
        client.close()


@pytest.fixture
def session_of(client_of):
    """A session of a client of an API, with some events pending."""

    def session_of(api, events=0, *, job_id="job-1", **settings):
        session = client_of(api, **settings).service_session(job_id)
        for number in range(events):
            session.created_test({"id": number})
        return session

    return session_of


@pytest.fixture(params=["own", "ready"])
def http(request):
    """The settings of a client with connections of its own, and with a ready session."""
    if request.param == "own":
        yield {}
        return
    with requests.Session() as ready:
        yield {"http": ready}


@pytest.fixture
def no_proxies(monkeypatch):
    """Without proxies; a test may set its own with it."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture(scope="session")
def issuer():
    return trustme.CA()


@pytest.fixture
def authority(issuer, tmp_path, monkeypatch):
    """A certificate authority that this process trusts; `context` is for a server with a certificate from it."""
    issuer.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    issuer.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("127.0.0.1").configure_cert(issuer.context)
    return issuer
