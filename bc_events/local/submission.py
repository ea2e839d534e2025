"""Submission: a POST to one of the contract's two paths, as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bc_events.constants import IDEMPOTENCY_HEADER, JOB_ID_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Submission:
    """`headers` has lower-case names."""

    body: bytes
    headers: Mapping[str, str]
    is_bulk: bool

    @property
    def key(self) -> str | None:
        return self.headers.get(IDEMPOTENCY_HEADER.lower())

    @property
    def job_id(self) -> str | None:
        return self.headers.get(JOB_ID_HEADER)
