"""The headers of a record, as the configuration of the event router names them. `docs/how-to/cdc.md` shows it."""

from __future__ import annotations

from typing import Final

ID: Final = "id"
"""The event router always sends this one."""
TOPIC: Final = "topic"
SERVICE: Final = "service"
TRACE: Final = "traceparent"
REQUEST_KEY: Final = "request_key"
REQUEST_PLACE: Final = "request_place"
REQUEST_SIZE: Final = "request_size"

OF_COLUMNS: Final = {
    "type": TOPIC,
    "service": SERVICE,
    "trace": TRACE,
    "batch": REQUEST_KEY,
    "batch_first": REQUEST_PLACE,
    "batch_last": REQUEST_SIZE,
}
"""The header for each column of the table that the event router adds."""
PLACEMENT: Final = ",".join(f"{column}:header:{header}" for column, header in OF_COLUMNS.items())
"""The value of `table.fields.additional.placement`."""
