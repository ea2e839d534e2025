"""Times of some contenders, taken in turns so that a busy machine slows all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Contenders = Mapping[str, Callable[[], object]]


def seconds(contenders: Contenders, *, rounds: int) -> dict[str, list[float]]:
    """The time of each round of each contender, in seconds of the wall clock, without garbage collection."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender()
    for _ in range(rounds):
        for name, contender in contenders.items():
            gc.collect()
            gc.disable()
            started = time.perf_counter()
            contender()
            taken[name].append(time.perf_counter() - started)
            gc.enable()
    return taken


def ratio(taken: Mapping[str, list[float]], name: str, floor: str) -> float:
    """The median over the rounds of one contender's time to another's in the same round."""
    return statistics.median(mine / theirs for mine, theirs in zip(taken[name], taken[floor], strict=True))
