"""The envelope of an event, where another program may have written it."""

from __future__ import annotations

import orjson


def fault_of(text: str) -> str | None:
    """What the text should be and is not. Two JSON values in one payload would change the number of records in a
    request.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "JSON"
    return None if isinstance(found, dict) else "a JSON object"
