"""Job ids: check them, generate them, read them from OpenTelemetry baggage and write them to it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, attach, get_current

from bc_events.constants import JOB_ID_MAX_LENGTH
from bc_events.errors import InvalidJobIdError, kind_of

from . import clock, logs

if TYPE_CHECKING:
    from types import ModuleType

_VALID: Final = re.compile(rf"[\x21-\x7e]{{1,{JOB_ID_MAX_LENGTH}}}").fullmatch
_logger = logs.logger


def prepare() -> None:
    """Loads the modules now that the first session needs, as `EventsAPI.prepare` does."""
    _baggage()


def generated() -> str:
    """A new job id: a UUIDv7."""
    return clock.job_id()


def validated(job_id: Any) -> str:
    """The job id that code passed; raises `InvalidJobIdError` where it cannot travel in a header."""
    if isinstance(job_id, str) and _VALID(job_id):
        return job_id
    raise InvalidJobIdError(
        f"the job id given is {_fault(job_id)}; pass a string of 1 to {JOB_ID_MAX_LENGTH} visible ASCII characters, "
        "or None for the live session's, the baggage's or a new one"
    )


def accepted(job_id: Any, source: str) -> str | None:
    """The job id that arrived from outside, or None, with a warning, where it cannot travel in a header."""
    if isinstance(job_id, str) and _VALID(job_id):
        return job_id
    _logger.warning(
        "the job id in %s is %s; it counts as missing",
        source,
        _fault(job_id),
        extra={"bc_source": source, "bc_fault": _fault(job_id)},
    )
    return None


def _fault(job_id: object) -> str:
    if not isinstance(job_id, str):
        return f"{kind_of(job_id)}, not a string"
    if not job_id:
        return "empty"
    if len(job_id) > JOB_ID_MAX_LENGTH:
        return f"{len(job_id)} characters long"
    return "not all visible ASCII characters (\\x21 to \\x7e)"


def from_baggage(key: str, context: Context | None = None) -> str | None:
    """The job id in the baggage of a context, or of the current one; None where it is missing or unusable."""
    value = _baggage().get_baggage(key, context)
    if isinstance(value, str):
        value = without_properties(value)  # OpenTelemetry takes the properties for a part of the value
    return None if value is None else accepted(value, f"OpenTelemetry baggage {key}")


def without_properties(value: str) -> str:
    """The value of a baggage member: `4711;ttl=60` is 4711."""
    head, has_properties, _ = value.partition(";")
    return head.rstrip(" \t") if has_properties else value


@cache
def _baggage() -> ModuleType:
    """Loaded when a session first needs it: it loads more than the rest of the core does."""
    from opentelemetry import baggage  # noqa: PLC0415

    return baggage


@cache
def _slot() -> str | None:
    """The entry of a context in which OpenTelemetry keeps baggage, as a dict; None where it keeps it in another way."""
    (entry,) = _baggage().set_baggage("key", "value", Context())
    return entry if _baggage().get_all(Context({entry: {"key": "value"}})) == {"key": "value"} else None


def _with(context: Context, key: str, value: str) -> Context:
    """The context with a baggage entry. It does what `set_baggage` does, in half of the time."""
    slot = _slot()
    if slot is None:
        written: Context = _baggage().set_baggage(key, value, context)
        return written
    if not context:
        return Context({slot: {key: value}})
    present = context.get(slot)
    return Context({**context, slot: {**present, key: value} if isinstance(present, dict) else {key: value}})


def read_baggage(key: str) -> object:
    """The raw value of a baggage key; None where it is not there."""
    return _baggage().get_baggage(key)


def write_baggage(key: str, value: object) -> None:
    """Sets one baggage key in the current OpenTelemetry context, or removes it if `value` is None."""
    current, baggage = get_current(), _baggage()
    if baggage.get_baggage(key, current) == value:
        return
    attach(baggage.remove_baggage(key, current) if value is None else baggage.set_baggage(key, value, current))


class Baggage:
    """Puts a job id into OpenTelemetry baggage, or with None removes it. `restore` puts back the value from before.

    No token is kept: tokens fail across tasks and in generators (open-telemetry/opentelemetry-python#2606).
    """

    __slots__ = ("_after", "_before", "key", "outer")

    def __init__(self, key: str, job_id: str | None, before: Context | None = None) -> None:
        """`before` is the current OpenTelemetry context, where the caller has asked for it already."""
        self.key: str = key
        self._before = before = get_current() if before is None else before
        self.outer: Any = _baggage().get_baggage(key, before) if before else None
        self._after = _baggage().remove_baggage(key, before) if job_id is None else _with(before, key, job_id)
        attach(self._after)

    def restore(self, current: Context) -> None:
        """Puts back the value of this one key, in the OpenTelemetry context that is current now."""
        if current is self._after:
            attach(self._before)
        else:
            write_baggage(self.key, self.outer)
