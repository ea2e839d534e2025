"""Faults: how the local Events API misbehaves on demand. The same seed and requests give the same faults."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from bc_events.errors import printable
from bc_events.topics.schemas import compile_schema

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(TypedDict, total=False):
    """When one kind of fault happens, and its options. Defaults are in brackets.

    `after` (0): the first so many requests are left alone. `probability` (1): of each request after them. `count` (no
    limit): how often it happens at most. For `partial_failure` these count records, not requests.

    `status` (500): 400 or 500, of `throttle` and `internal_failure`. Of `unavailable` (503): any status that asks the
    client to try later. `retry_after` (1): seconds, of `unavailable`. `ms` (100): milliseconds, of `latency`. `records`
    (1): `too_large` happens only to requests with that many records or more.
    """

    probability: float
    count: int
    after: int
    status: Literal[400, 408, 425, 429, 500, 502, 503, 504]
    retry_after: int
    ms: float
    records: int


class FaultPlan(TypedDict, total=False):
    """The faults to inject. If several could decide an answer, the first one in this order does.

    `latency`: the answer is delayed. `unavailable`: 503, or a similar status, with Retry-After. `throttle` and
    `internal_failure`: the whole request fails with an error type that allows a retry. `too_large`: 413.
    `partial_failure`: records of a bulk request fail with one of those error types; half of them are stored anyway.
    `lost_answer`: the request is handled, and the connection is closed with no response.
    """

    latency: Fault
    unavailable: Fault
    throttle: Fault
    internal_failure: Fault
    too_large: Fault
    partial_failure: Fault
    lost_answer: Fault


_WHEN: Final = {
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
    "count": {"type": "integer", "minimum": 0},
    "after": {"type": "integer", "minimum": 0},
}
_STATUS: Final = {"status": {"enum": [400, 500]}}
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "latency": {"ms": {"type": "number", "minimum": 0, "maximum": 60_000}},
    "unavailable": {
        "retry_after": {"type": "integer", "minimum": 0, "maximum": 31_536_000},
        "status": {"enum": [408, 425, 429, 502, 503, 504]},
    },
    "throttle": _STATUS,
    "internal_failure": _STATUS,
    "too_large": {"records": {"type": "integer", "minimum": 1}},
    "partial_failure": {},
    "lost_answer": {},
}
PLAN: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        kind: {"type": "object", "additionalProperties": False, "properties": {**_WHEN, **options}}
        for kind, options in _OPTIONS.items()
    },
}
_CHECK: Final = compile_schema(PLAN, show_values=True)


class FaultError(ValueError):
    """A plan of faults that cannot be injected."""


class Faults:
    """A plan of faults, and how often each has happened. Each kind has its own random generator."""

    def __init__(self, plan: Mapping[str, Any] | FaultPlan, seed: int = 0) -> None:
        """Raises `FaultError`."""
        violations = _CHECK.violations(dict(plan))
        if violations:
            listed = "; ".join(f"{printable(one.path) or 'the faults'}: {one.message}" for one in violations)
            raise FaultError(f"these faults cannot be injected: {listed}; kinds are {', '.join(_OPTIONS)}")
        self.seed = seed
        self.plan: dict[str, Fault] = dict(plan)  # type: ignore[arg-type]  # checked above
        self._triggers = {kind: _Trigger(fault, f"{seed}/{kind}") for kind, fault in self.plan.items()}

    @property
    def fired(self) -> dict[str, int]:
        """How often each kind has happened."""
        return {kind: trigger.fired for kind, trigger in self._triggers.items()}

    def strikes(self, kind: str) -> Fault | None:
        """The fault of this kind, if it happens to this request (or record), which it counts."""
        trigger = self._triggers.get(kind)
        return trigger.fault if trigger is not None and trigger.fires() else None

    def flip(self, kind: str) -> bool:
        """True or False, at random, from that kind's generator."""
        return self._triggers[kind].flip()


class _Trigger:
    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self.fired = 0
        self._random = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._seen = 0

    def fires(self) -> bool:
        self._seen += 1
        if self._seen <= self.fault.get("after", 0) or self.fired == self.fault.get("count"):
            return False
        if self._random.random() >= self.fault.get("probability", 1.0):
            return False
        self.fired += 1
        return True

    def flip(self) -> bool:
        return self._random.random() < 0.5  # noqa: PLR2004
