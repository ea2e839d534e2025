"""Batch: reports of one client process about its sessions and events, as they arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from bc_events.constants import ACTOR_TYPES, JOB_ID_MAX_LENGTH, MAX_REQUEST_EVENTS
from bc_events.errors import printable
from bc_events.topics.schemas import compile_schema

from .document import DocumentError, read_document, refuse_deep, violations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Report = dict[str, Any]

MOST_BYTES: Final = 1_000_000
"""The most bytes of a body."""
_MOST_SHOWN: Final = 5
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 2000}
_TEXT: Final = {"type": ["string", "null"], "maxLength": 2000}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 2**62}
_NUMBER: Final = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**62}
_SESSION: Final = {"session": _COUNT}
_EVENTS: Final = {
    "events": {"type": "array", "maxItems": MAX_REQUEST_EVENTS, "items": _NAME},
    "topics": {"type": "array", "maxItems": MAX_REQUEST_EVENTS, "items": _NAME},
    "service": _NAME,
}
_REQUEST: Final = {"key": _NAME, "events": _EVENTS["events"]}
_ACTOR: Final = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "required": ["id", "type"],
    "properties": {"id": {"type": "string"}, "type": {"enum": sorted(ACTOR_TYPES)}},
}
_VIOLATION: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path", "rule", "message"],
    "properties": {"path": {"type": "string"}, "rule": {"type": "string"}, "message": {"type": "string"}},
}
_KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "opened": {**_SESSION, "parent": _NUMBER, "service": _NAME, "actor": _ACTOR},
    "ended": {**_SESSION, "exception": _TEXT},
    "published": {
        **_SESSION,
        "event": _NAME,
        "topic": _NAME,
        "service": _NAME,
        "actor": _ACTOR,
        "data": {"type": ["string", "null"], "maxLength": 20_000},
    },
    "refused": {
        **_SESSION,
        "topic": _NAME,
        "service": _NAME,
        "reason": _TEXT,
        "violations": {"type": "array", "maxItems": 100, "items": _VIOLATION},
    },
    "rolled back": {**_EVENTS, "session": _NUMBER, "exception": _TEXT, "reason": _NAME},
    "confirmed": _EVENTS,
    "posting": _REQUEST,
    "answered": {
        **_REQUEST,
        "status": _NUMBER,
        "reason": _TEXT,
        "results": {"type": ["array", "null"], "maxItems": MAX_REQUEST_EVENTS, "items": _NAME},
    },
    "undelivered": {**_EVENTS, "outcome": {"enum": ["refused", "unknown", "unsent"]}, "reason": _TEXT},
    "dead": {**_EVENTS, "reason": _TEXT},
}
_JOB: Final = {"type": "string", "pattern": f"^[\\x21-\\x7e]{{1,{JOB_ID_MAX_LENGTH}}}$"}
_HEAD: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["process", "pid", "lost", "exited", "reports"],
    "additionalProperties": False,
    "properties": {
        "process": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "pid": _COUNT,
        "lost": _COUNT,
        "exited": {"type": "boolean"},
        "reports": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind", "job", "at"],
                "properties": {"kind": {"enum": sorted(_KINDS)}, "job": _JOB, "at": _COUNT},
            },
        },
    },
}
_CHECK: Final = compile_schema(_HEAD)
_CHECKS: Final = {
    kind: compile_schema(
        {
            "additionalProperties": False,
            "required": sorted(fields),
            "properties": {"kind": True, "job": True, "at": True, **fields},
        }
    )
    for kind, fields in _KINDS.items()
}


REPORTS: Final[dict[str, Any]] = {
    **_HEAD,
    "properties": {
        **_HEAD["properties"],
        "reports": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["kind", "job", "at", *sorted(fields)],
                        "properties": {"kind": {"const": kind}, "job": _JOB, "at": _COUNT, **fields},
                    }
                    for kind, fields in _KINDS.items()
                ]
            },
        },
    },
}
"""The JSON Schema of a batch of reports."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`lost` is how many reports the process has lost since it began. `has_exited`: this is its last batch."""

    process: str
    pid: int
    lost: int
    has_exited: bool
    reports: tuple[Report, ...]


def read_batch(body: bytes) -> Batch:
    """Raises `DocumentError`."""
    if len(body) > MOST_BYTES:
        raise DocumentError(f"reports have {MOST_BYTES} bytes at most")
    document = read_document(body)
    _refuse_wrong(_CHECK, document, "the batch")
    for report in document["reports"]:
        _refuse_wrong(_CHECKS[report["kind"]], report, f"a report of kind {report['kind']}")
        if report.get("data") is not None and not _is_json(report["data"]):
            report["data"] = None
    reports = tuple(document["reports"])
    return Batch(document["process"], document["pid"], document["lost"], document["exited"], reports)


def _refuse_wrong(check: Any, document: Any, name: str) -> None:
    if not check.is_valid(document):
        broken = [f"{printable(one.path) or name}: {one.message}" for one in violations_of(check, document)]
        raise DocumentError("; ".join(broken[:_MOST_SHOWN]))


def _is_json(data: str) -> bool:
    try:
        refuse_deep(orjson.loads(data))
    except (orjson.JSONDecodeError, DocumentError):
        return False
    return True
