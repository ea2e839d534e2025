"""JSONLines: formats each log record as one line of JSON, for a log collector."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from .escaping import json_text


class JSONLines(logging.Formatter):
    """Time, level, message, and the attributes of the record that begin with `bc_`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **{key: value for key, value in record.__dict__.items() if key.startswith("bc_")},
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json_text(entry)
