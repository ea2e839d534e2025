"""Publisher: somebody with a job, an actor and numbers of their own."""

from __future__ import annotations

from dataclasses import dataclass

_STRIDE = 1_000
"""No publisher says more than this: so each number belongs to one."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """The publisher with that index publishes `count` numbers, in ascending order, under its own job and actor."""

    index: int
    count: int

    @property
    def job(self) -> str:
        return f"job-{self.index}"

    @property
    def actor(self) -> str:
        return f"user-{self.index:08}"

    @property
    def numbers(self) -> range:
        return range(self.index * _STRIDE, self.index * _STRIDE + self.count)
