"""LocalEventsAPI starts, stops and keeps its events."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import requests

from bc_events import ConfigurationError
from bc_events.local import LocalEventsAPI
from bc_events.local.listener import listening

from .wire import ask, envelope, post


def test_nothing_is_left_running_after_the_block():
    before = set(threading.enumerate())
    with LocalEventsAPI() as api:
        post(api, envelope())
        port = int(api.url.rpartition(":")[2])
    assert set(threading.enumerate()) == before
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_it_listens_on_the_loopback_alone():
    with LocalEventsAPI() as api:
        assert api.url.startswith("http://127.0.0.1:")


def test_an_answer_does_not_wait_for_the_client_to_acknowledge_its_headers():
    """With Nagle's algorithm, each request would take 40 ms. Connections inherit the option of the listener."""
    with listening(0) as found:
        assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_stopping_ends_those_who_wait():
    """A wait of a minute does not hold up the end of a test run."""
    with LocalEventsAPI() as api:
        post(api, envelope())
        host = api.url.removeprefix("http://")
        waiting = socket.create_connection(("127.0.0.1", int(host.partition(":")[2])))
        waiting.sendall(f"GET /api/events/wait?count=2&timeout=60 HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        for _ in range(2):
            ask(api, "GET", "/readyz")  # the earlier requests are waiting by the time that these are answered
    with waiting:
        assert waiting.recv(64).startswith(b"HTTP/1.1 408 ")


def test_cleared_it_is_as_new(local_events_api):
    local_events_api.faults(unavailable={"after": 1})
    post(local_events_api, envelope(), key="key-1")
    local_events_api.clear()
    assert (local_events_api.events(), local_events_api.requests()) == ([], [])
    assert [post(local_events_api, envelope(), key="key-1").status_code for _ in range(2)] == [201, 201]
    assert [event.seq for event in local_events_api.events()] == [1]


def test_a_file_keeps_events_and_answers_from_one_start_to_the_next(tmp_path):
    with LocalEventsAPI(db=tmp_path / "events.db") as api:
        first = post(api, envelope(), key="key-1")
        kept = api.events()
    with LocalEventsAPI(db=tmp_path / "events.db") as api:
        assert api.events() == kept
        assert post(api, envelope(), key="key-1").content == first.content
        assert len(api.events()) == 1


@pytest.mark.parametrize("is_database", [True, False])
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path, is_database):
    file = tmp_path / "other"
    if is_database:
        database = sqlite3.connect(file)
        database.execute("CREATE TABLE events (x)")
        database.close()
    else:
        file.write_text("my diary\n" * 99)
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="new file"):
        LocalEventsAPI(db=file).start()
    assert file.read_bytes() == before


def test_stopped_and_started_again_it_is_at_the_same_place(tmp_path):
    """As an outage looks to a client: refused connections, and then the same server."""
    api = LocalEventsAPI(db=tmp_path / "events.db")
    with api:
        url = api.url
        post(api, envelope())
    with pytest.raises(requests.ConnectionError):
        post(api, envelope())
    with api:
        assert api.url == url
        assert len(api.events()) == 1


def test_it_is_started_once_at_a_time():
    with LocalEventsAPI() as api, pytest.raises(ConfigurationError, match="serves already"):
        api.start()


def test_what_it_received_is_read_while_it_serves():
    api = LocalEventsAPI()
    api.stop()
    with pytest.raises(ConfigurationError, match="between start and stop"):
        api.events()


def test_a_port_that_is_taken_is_named():
    with LocalEventsAPI() as api:
        port = int(api.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port} .* choose another port"):
            LocalEventsAPI(port).start()


def test_two_definitions_of_one_topic_must_agree():
    def definitions(schema):
        return {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": schema}]}

    LocalEventsAPI(topics=[definitions({"type": "object"}), definitions({"type": "object"})])
    with pytest.raises(ConfigurationError, match=r"policies\.PolicyCreated differently"):
        LocalEventsAPI(topics=[definitions({"type": "object"}), definitions({})])


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_what_to_install(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; import bc_events.local; bc_events.local.LocalEventsAPI"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.stderr.endswith(
        f"ModuleNotFoundError: the local Events API needs {missing}, which is not installed; "
        'run pip install "bc_events[local]"\n'
    )


def test_the_fixture_comes_with_one_line_of_a_conftest(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["bc_events.local.pytest"]\n')
    (tmp_path / "test_it.py").write_text("def test_it(local_events_api):\n    assert local_events_api.events() == []\n")
    arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "1 passed" in done.stdout, done.stdout


def test_naming_the_package_loads_neither_starlette_nor_uvicorn():
    code = "import sys, bc_events.local; print({'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("arguments", [{"keep": 0}, {"keep": True}, {"keep_for": 7}, {"keep_for": timedelta(0)}])
def test_what_to_keep_must_make_sense(arguments):
    with pytest.raises(ConfigurationError, match="keep"):
        LocalEventsAPI(**arguments)


def test_no_more_is_kept_than_was_asked_for():
    with LocalEventsAPI(keep=2, keep_for=timedelta(days=1)) as api:
        post(api, [envelope()] * 5)
        assert [event.seq for event in api.events()] == [4, 5]
