"""Files that hold events: their data may be personal, so only their owner may read them."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600


def make_private(path: Path) -> None:
    """Creates a file of mode 0600, with any umask, if it does not exist. An existing file keeps its mode.

    SQLite gives the mode of a database to its write-ahead log and to its shared memory file. An error is ignored here:
    the code that opens the file next reports it.
    """
    with suppress(OSError):
        target = path.resolve()  # O_EXCL does not follow a link, and the file of a link may not exist yet
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY)
        os.close(descriptor)
        target.chmod(_OWNER_ONLY)
