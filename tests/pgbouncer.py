"""A real PgBouncer of the tests' own, in front of a PostgreSQL: on a socket in its folder, and on request with TLS."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.postgres import PostgreSQL

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin")
MISSING = "PgBouncer is missing: install pgbouncer (Debian: apt-get install pgbouncer)"


def is_installed() -> bool:
    return _PROGRAM is not None


class PgBouncer:
    """`url` names its database. Without passwords, every user is let in."""

    def __init__(
        self,
        server: PostgreSQL,
        *,
        mode: str = "transaction",
        pool_size: int = 4,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        if not is_installed():
            raise RuntimeError(MISSING)
        self.folder = Path(tempfile.mkdtemp(prefix="bouncer", dir="/tmp"))
        self.port = free_port()
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        users = {"postgres": ""} if passwords is None else passwords
        self._write("users", "".join(f'"{user}" "{password}"\n' for user, password in users.items()).encode())
        address = server.conninfo
        self._settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": self.folder,
            "auth_type": "any" if passwords is None else "scram-sha-256",
            "auth_file": self.folder / "users",
            "pool_mode": mode,
            "default_pool_size": pool_size,
            "ignore_startup_parameters": "extra_float_digits",
        }
        user = " user=postgres" if passwords is None else ""
        self._databases = f"* = host={address['host']} port={address.get('port', 5432)}{user}"
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            self.folder.chmod(0o755)

    def use_tls(self, *, certificate: bytes, key: bytes) -> None:
        """From its start on, for every client by TCP. Both are PEM."""
        self._settings["client_tls_sslmode"] = "require"
        for name, content in (("cert", certificate), ("key", key)):
            self._settings[f"client_tls_{name}_file"] = self._write(f"server-{name}.pem", content)

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        return f"{driver}://postgres@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> PgBouncer:
        settings = "".join(f"{name} = {value}\n" for name, value in self._settings.items())
        file = self._write("pgbouncer.ini", f"[databases]\n{self._databases}\n[pgbouncer]\n{settings}".encode())
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([_PROGRAM, file], stdout=log, stderr=log, user=self._user, cwd="/")
        retrying = Retrying(
            retry=retry_if_exception_type(OSError), stop=stop_after_delay(30), wait=wait_fixed(0.02), reraise=True
        )
        retrying(lambda: socket.create_connection(("127.0.0.1", self.port)).close())
        return self

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, content: bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content)
        file.chmod(0o600)
        if self._user is not None:
            shutil.chown(file, self._user)
        return file


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
