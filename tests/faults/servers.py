"""Rows with servers that fork: each event arrives, once, whichever process published it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.faults.commands import ROOT, drain
from tests.faults.result import Result

if TYPE_CHECKING:
    from tests.faults.world import World

_BIN = Path(sys.executable).parent
_FORKING = """
import multiprocessing, os
from tests.faults.app import publish

def work(first, count):
    for number in range(first, first + count):
        publish(str(number))

context = multiprocessing.get_context("fork")
count = int(os.environ["FAULTS_COUNT"])
children = [context.Process(target=work, args=(first, count // 4)) for first in range(0, count, count // 4)]
for child in children:
    child.start()
for child in children:
    child.join()
    assert child.exitcode == 0, child.exitcode
"""


def gunicorn(world: World) -> Result:
    """With --preload: the application, and its first event, are there before the workers are."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "4", "--bind", f"127.0.0.1:{port}"]
    return _served(world, [*command, "tests.faults.app:application"], port, "gunicorn --preload", before="before")


def uwsgi(world: World) -> Result:
    """With --enable-threads, as any application with threads needs."""
    return _uwsgi(world, "uWSGI --enable-threads", "--enable-threads")


def uwsgi_without_threads(world: World) -> Result:
    """The relay in the process cannot be relied on then: a warning says so, and all waits for a relay elsewhere."""
    result = _uwsgi(world, "uWSGI")
    if result.sent:
        result.demand("uWSGI runs without --enable-threads" in world.log.read_text(errors="replace"), "it did not warn")
    return result


def _uwsgi(world: World, name: str, *threads: str) -> Result:
    found = shutil.which("uwsgi", path=f"{_BIN}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        result = Result(faults=name)
        result.demand(False, 'uWSGI is missing: pip install -e ".[faults]"; or leave it --without uwsgi')
        return result
    port = free_port()
    command = [found, "--http-socket", f"127.0.0.1:{port}", "--module", "tests.faults.app:application", "--master"]
    options = ["--processes", "4", "--die-on-term", "--pythonpath", str(ROOT), "--need-app", *threads]
    return _served(world, [*command, *options, "--virtualenv", sys.prefix], port, name)


def celery(world: World) -> Result:
    """The prefork pool."""
    broker = world.folder / "broker"
    (broker / "c").mkdir(parents=True)
    setting = _setting(world, "celery") | {"FAULTS_BROKER": str(broker)}
    options = ["worker", "--pool", "prefork", "--concurrency", "4", "--loglevel", "ERROR", "--without-gossip"]
    command = [sys.executable, "-m", "celery", "--app", "tests.faults.tasks", *options, "--without-mingle"]
    sending = f"from tests.faults.tasks import work\nfor key in range({world.dose.per_server}): work.delay(str(key))"
    subprocess.run([sys.executable, "-c", sending], cwd=ROOT, env=setting, check=True)
    with _running(command, setting, world) as process:
        world.until(lambda: _stored(setting, world) >= set(_keys(world)))
        _end(process)
    return _judged(world, setting, "processes of Celery prefork", set(_keys(world)))


def multiprocessing(world: World) -> Result:
    """The start method fork, after the first event and its relay."""
    setting = _setting(world, "fork", before="before") | {"FAULTS_COUNT": str(world.dose.per_server)}
    with _running([sys.executable, "-c", _FORKING], setting, world) as process:
        code = process.wait(120)
    result = _judged(world, setting, "processes of multiprocessing fork", {"before", *_keys(world)})
    result.demand(code == 0, f"it ended with {code}")
    return result


def _served(world: World, command: list[str], port: int, name: str, before: str = "") -> Result:
    setting = _setting(world, "".join(filter(str.isalnum, name)), before=before)
    with _running(command, setting, world) as process:
        _until_up(port)
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda key: requests.get(f"http://127.0.0.1:{port}/{key}", timeout=120), _keys(world))
            )
        _end(process)
    result = _judged(world, setting, f"processes of {name}", {*_keys(world), *filter(None, [before])})
    result.demand(all(answer.status_code == 200 for answer in answers), "a request failed")
    return result


def _judged(world: World, setting: dict[str, str], name: str, expected: set[str]) -> Result:
    """Judges a row. A relay that outlives the processes sends the events that they left in the file."""
    drain(world, setting["FAULTS_FILE"])
    processes = {event.data["process"] for event in world.api.events()}
    result = world.judged(expected)
    result.inject(len(processes), name, least=2)
    result.demand(result.sent >= world.dose.per_server, f"fewer than {world.dose.per_server} events")
    return result


def _keys(world: World) -> list[str]:
    return [str(number) for number in range(world.dose.per_server)]


def _stored(setting: dict[str, str], world: World) -> set[str]:
    """The keys of events that have reached the file or the API, or that are on the way from one to the other."""
    from bc_events.outbox import SQLiteOutbox

    if not Path(setting["FAULTS_FILE"]).exists():
        return set()
    outbox = SQLiteOutbox(setting["FAULTS_FILE"], relay=False)
    try:
        waiting = {json.loads(row.payload)["data"]["key"] for row in outbox.store.show(limit=world.dose.per_server)}
    finally:
        outbox.store.close()
    return waiting.union(world.received())


def _setting(world: World, name: str, before: str = "") -> dict[str, str]:
    file = str(world.folder / f"{name}.db")
    paths = {"FAULTS_API": world.api.url, "FAULTS_FILE": file, "FAULTS_BEFORE_FORK": before, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **paths}


class _running:
    """A process, its output in a file that is shown where it ended badly."""

    def __init__(self, command: list[str], environment: dict[str, str], world: World) -> None:
        self._log = world.log
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, error: object, *_rest: object) -> None:
        _end(self.process)
        if error is not None:
            print(self._log.read_text(errors="replace")[-5000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # this kills its workers too
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _until_up(port: int) -> None:
    retrying = Retrying(
        retry=retry_if_exception_type(OSError), stop=stop_after_delay(60), wait=wait_fixed(0.05), reraise=True
    )
    retrying(lambda: socket.create_connection(("127.0.0.1", port)).close())
