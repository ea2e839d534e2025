"""The policies service."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bc_events import events

from .quotes import Quote


@dataclass(frozen=True, slots=True)
class Policy:
    id: str
    premium: Decimal
    job_id: str


class DeclinedError(Exception):
    """The underwriter will not take the risk."""


@events.session(job_id=lambda quote: quote.job_id)
def issue(quote: Quote) -> Policy:
    policy = Policy("POL-4711", quote.premium, quote.job_id)
    events.created_policy({"id": policy.id, "quote": quote.id})
    for cover in ("contents", "flood"):
        with suppress(DeclinedError):
            add_cover(policy, cover)
    return policy


@events.session()
def add_cover(policy: Policy, cover: str) -> None:
    events.added_cover({"policy": policy.id, "cover": cover})
    underwrite(cover)


def underwrite(cover: str) -> None:
    if cover == "flood":
        raise DeclinedError(cover)


@events.service_context()
def renew_overnight(numbers: Sequence[str]) -> None:
    for number in numbers:
        events.renewed_policy({"id": number, "until": date(2027, 12, 31)})
