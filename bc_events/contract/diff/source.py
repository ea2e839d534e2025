"""Where the other version of a definitions file is: in a file, at a URL, or in the history of Git."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Final

import requests

from bc_events import TopicTable
from bc_events.errors import ConfigurationError, printable

GIT: Final = "git:"
_TIMEOUT: Final = 30
_MOST_BYTES: Final = 20_000_000


def read_version(source: str, file: Path) -> TopicTable:
    """The topics of `git:REVISION` (of the same file), of a URL, or of another file.

    Raises `ConfigurationError` where there is none, and `TopicDefinitionError` for mistakes in it.
    """
    if source.startswith(GIT):
        return _named(_from_git(source.removeprefix(GIT), file), f"{file} of {source}")
    if source.startswith(("http://", "https://")):
        return _named(_from_url(source), source)
    if not Path(source).is_file():
        raise ConfigurationError(f"there is no file {printable(source)}; give a file, a URL, or {GIT}REVISION")
    return TopicTable.read(source)


def _named(content: bytes, name: str) -> TopicTable:
    stream = io.BytesIO(content)
    stream.name = name
    return TopicTable.read(stream)


def _from_git(revision: str, file: Path) -> bytes:
    if not revision or revision.startswith("-"):
        raise ConfigurationError(f"{GIT}{printable(revision)} names no revision; give one such as {GIT}main")
    try:
        done = subprocess.run(  # noqa: S603  the arguments are a revision and a name, and no shell reads them
            ["git", "show", f"{revision}:./{file.name}"],  # noqa: S607  the git of the path
            cwd=file.absolute().parent,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"git could not be run ({error}); compare with a file instead") from error
    if done.returncode:
        reason = printable(done.stderr.decode(errors="replace").strip())
        raise ConfigurationError(f"git has no {file.name} at {printable(revision)}: {reason}")
    return done.stdout


def _from_url(url: str) -> bytes:
    try:
        with requests.get(url, timeout=_TIMEOUT, stream=True) as answer:
            answer.raise_for_status()
            content = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise ConfigurationError(f"{printable(url)} could not be read: {printable(str(error))}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(f"{printable(url)} has more than {_MOST_BYTES:,} bytes; give a definitions file")
    return bytes(content)
