"""Services as processes of their own, on sockets that wait for them: nobody polls for a server to be up."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def listening():
    """A socket on a free port; what connects waits until a process accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def processes(logs):
    """Gives `run`, which starts `python -m command`. At the end all are told to stop, then waited for.

    What each says is in the folder `logs`. `{fd}` in a command is its listener's number.
    """
    started = []

    def run(name, *command, listener=None, **environment):
        fds = [] if listener is None else [listener.fileno()]
        arguments = [part.format(fd=fds[0]) if fds else part for part in command]
        with (logs / f"{name}.log").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=fds,
            )
        started.append(process)

    try:
        yield run
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
        print(*(log.read_text() for log in logs.glob("*.log")), sep="\n\n")  # pytest shows it where a test fails
