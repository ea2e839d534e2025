"""An outbox of version 1, as it was: the SQL that made its table, and a relay that runs its statements.

They were recorded from the release that had them, because a test of an upgrade must not follow the present code.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def creation(dialect: str) -> list[str]:
    """What `bc-events outbox sql` printed."""
    text = (FOLDER / f"{dialect}.sql").read_text(encoding="utf-8")
    script = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [statement for statement in script.split(";\n") if statement.strip("; \n")]
