"""Files that hold events: their data may be personal, so only their owner may read them."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600


def make_private(path: Path) -> None:
    """Creates a file of mode 0600, whatever the umask, where there is none; an existing file keeps its mode.

    SQLite gives the mode of a database to its write-ahead log and to what it shares between processes. What keeps the
    file from being created is left for the one who opens it next to report.
    """
    with suppress(OSError):
        target = path.resolve()  # O_EXCL does not follow a link, and a link may come before its file
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY)
        os.close(descriptor)
        target.chmod(_OWNER_ONLY)
