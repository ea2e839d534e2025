"""The quotes service."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from bc_events import events


@dataclass(frozen=True, slots=True)
class Quote:
    id: UUID
    premium: Decimal
    job_id: str


def ask(customer: str, postcode: str) -> Quote:
    with events.user_context(customer) as session:
        quote = Quote(uuid4(), Decimal("1180.40"), session.job_id)
        events.requested_quote({"id": quote.id, "postcode": postcode})
        events.priced_quote({"id": quote.id, "premium": quote.premium})
    return quote
