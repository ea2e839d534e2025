"""A real MariaDB of the tests' own: started with Popen, so that a kill is noticed, and on a socket in its folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pymysql
import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

_PLACES = f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
MISSING = "MariaDB is missing: install mariadb-server (Debian: apt-get install mariadb-server)"


def is_installed() -> bool:
    return found_program("mariadb-install-db") is not None and found_program("mariadbd") is not None


def need_driver(module: str) -> None:
    """Skips a test whose driver is missing, and says so: mysqlclient has no wheels, and must be built from C.

    PyMySQL may stand in under the name MySQLdb, where Django's tests ran before.
    """
    spec = find_spec(module)
    if spec is None or spec.name != module:
        pytest.skip(f"the driver {module} is not installed")


def found_program(program: str) -> str | None:
    return shutil.which(program, path=_PLACES)


class MariaDB:
    """One server. `url` names its database; `kill` is SIGKILL, `start` recovers."""

    def __init__(self, folder: Path | None = None, **settings: object) -> None:
        if not is_installed():
            raise RuntimeError(MISSING)
        self.folder = Path(tempfile.mkdtemp(prefix="maria", dir="/tmp") if folder is None else folder)
        self.socket = self.folder / "socket"
        self._settings = {"innodb_buffer_pool_size": "32M", "innodb_log_file_size": "16M", **settings}
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._user = "mysql" if os.geteuid() == 0 else None
        # A server that starts deletes the temporary tables of all other servers that share its folder for them.
        self._temporary = self.folder / "tmp"
        self._temporary.mkdir(exist_ok=True)
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            shutil.chown(self._temporary, self._user)
            self.folder.chmod(0o755)
        if not self._data.exists():
            user = [] if self._user is None else [f"--user={self._user}"]
            made = subprocess.run(
                [
                    *(found_program("mariadb-install-db"), "--no-defaults", f"--datadir={self._data}", *user),
                    *("--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=16M"),
                    f"--tmpdir={self._temporary}",
                ],
                check=False,
                capture_output=True,
                text=True,
            )
            if made.returncode:
                raise RuntimeError(f"mariadb-install-db made no database:\n{made.stdout}{made.stderr}")

    def use_tls(self, *, certificate: bytes, key: bytes) -> None:
        """From its next start on. Both are PEM."""
        for name, content in (("cert", certificate), ("key", key)):
            file = self.folder / f"server-{name}.pem"
            file.write_bytes(content)
            file.chmod(0o600)
            if self._user is not None:
                shutil.chown(file, self._user)
            self._settings[f"ssl_{name}"] = file

    def url(self, database: str = "app", driver: str = "mysql+pymysql") -> str:
        return f"{driver}://root@localhost/{database}?unix_socket={self.socket}"

    def connect(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)

    def create_database(self, name: str) -> None:
        self.run(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")

    def run(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Returns the rows of the last statement."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def start(self) -> MariaDB:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._settings.items()]
        options += [] if self._user is None else [f"--user={self._user}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(found_program("mariadbd"), "--no-defaults", f"--datadir={self._data}", f"--socket={self.socket}"),
                    *(
                        "--skip-networking",
                        f"--pid-file={self.folder / 'pid'}",
                        f"--tmpdir={self._temporary}",
                        *options,
                    ),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        retrying = Retrying(
            retry=retry_if_exception_type(OSError),
            stop=stop_after_delay(60),
            wait=wait_fixed(0.02),
            reraise=True,
        )
        retrying(self._probe)
        return self

    def _probe(self) -> None:
        """Connects without the driver, which would leave its socket open while the server does not listen yet."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.socket))

    def kill(self) -> int:
        """Kills the server, as a crash would. Returns its exit code."""
        assert self._process is not None
        self._process.kill()
        return self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
