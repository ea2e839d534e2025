"""Faults: how the local Events API misbehaves when it is told to, the same way for the same seed and requests."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from bc_events.errors import printable
from bc_events.topics.schemas import compile_schema

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(TypedDict, total=False):
    """When one kind of fault happens: to each request with `probability` (1), at most `count` times (no limit), once
    `after` (0) requests were left alone. For `partial_failure` read records for requests.

    `status`: of `throttle` and `internal_failure` 400 or 500 (500), of `unavailable` any that says to try later (503).
    `retry_after`: seconds, of `unavailable`.
    `ms`: of `latency`. `records`: `too_large` happens only to requests of that many records or more.
    """

    probability: float
    count: int
    after: int
    status: Literal[400, 408, 425, 429, 500, 502, 503, 504]
    retry_after: int
    ms: float
    records: int


class FaultPlan(TypedDict, total=False):
    """What may go wrong, in the order in which it is looked at; of those that answer for it the first one does.

    `latency`: the answer takes a while. `unavailable`: 503, or a like status, with Retry-After. `throttle`,
    `internal_failure`: the whole request fails with an error type that asks for a repeat. `too_large`: 413.
    `partial_failure`: records of a bulk request fail with either of those types, half of them stored anyway.
    `lost_answer`: what was asked is done, and the connection closed without a word.
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
_CHECK: Final = compile_schema(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            kind: {"type": "object", "additionalProperties": False, "properties": {**_WHEN, **options}}
            for kind, options in _OPTIONS.items()
        },
    },
    show_values=True,
)


class FaultError(ValueError):
    """A description of faults that cannot be followed."""


class Faults:
    """One plan of faults and how far it has come. Kinds draw from generators of their own, so none shifts another."""

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
        """The fault of this kind where it happens now; counts as one request (or record) seen."""
        trigger = self._triggers.get(kind)
        return trigger.fault if trigger is not None and trigger.fires() else None

    def flip(self, kind: str) -> bool:
        """A fair coin of that kind's generator."""
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
