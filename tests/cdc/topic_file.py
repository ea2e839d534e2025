"""A file that stands for one partition of a topic: a line for each record, whose offset is the number of the line."""

from __future__ import annotations

import json
import os
from pathlib import Path


def append(file: Path, records: list[dict]) -> None:
    """In one write, which a kill cannot part."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, "".join(f"{json.dumps(record)}\n" for record in records).encode())
    finally:
        os.close(descriptor)


def without_torn_line(file: Path) -> None:
    if file.exists():
        written = file.read_bytes()
        os.truncate(file, written.rfind(b"\n") + 1)


def read(file: Path, first: int = 0) -> list[dict]:
    """The whole records from an offset on."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines[first:]]
