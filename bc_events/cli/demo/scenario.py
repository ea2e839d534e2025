"""The scenario of the demo, chapter by chapter, and the events that have to arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bc_events import EventClient, InvalidEventError, events

from . import billing, policies, quotes

if TYPE_CHECKING:
    from .narrator import Narrator
    from .policies import Policy
    from .quotes import Quote

ADA: Final = "5c1d7e0a-ada-lovelace"

# Per job, in the order of receipt: the topic and who did it.
PURCHASE: Final = (
    ("quotes.QuoteRequested", ADA),
    ("quotes.QuotePriced", ADA),
    ("policies.PolicyCreated", "PolicyService"),
    ("policies.CoverAdded", "PolicyService"),
    ("billing.InvoiceSent", "BillingService"),
    ("billing.PaymentReceived", ADA),
)
RENEWAL: Final = (("policies.PolicyRenewed", "PolicyService"),) * 3
_HERE: Final = Path(__file__).parent


def run(narrator: Narrator) -> None:
    """Three services in one process. Each has its own client, which is the default one while that service works."""
    url = narrator.api.url
    with (
        EventClient(url, "QuoteService", _HERE / "quotes.yaml") as quoting,
        EventClient(url, "PolicyService", _HERE / "policies.yaml") as insuring,
        EventClient(url, "BillingService", _HERE / "billing.yaml") as invoicing,
    ):
        with events.override(quoting):
            quote = _a_quote(narrator)
        with events.override(insuring):
            policy = _a_policy(narrator, quote)
        with events.override(invoicing):
            _a_mistake(narrator, policy)
            _an_outage(narrator, policy)
        with events.override(insuring):
            _a_night(narrator)


def _a_quote(narrator: Narrator) -> Quote:
    narrator.chapter("Ada asks what it would cost to insure her house", quotes.ask)
    quote = quotes.ask(ADA, "SW1A 1AA")
    narrator.arrived("One unit of work, one request, and Ada is the actor.")
    return quote


def _a_policy(narrator: Narrator, quote: Quote) -> Policy:
    narrator.chapter("She accepts; the underwriter will not cover floods", policies.issue, policies.add_cover)
    policy = policies.issue(quote)
    narrator.arrived("Another service, the same job. The flood cover's event was dropped with its scope.")
    return policy


def _a_mistake(narrator: Narrator, policy: Policy) -> None:
    narrator.chapter("An invoice whose amount is not a number", billing.send_invoice)
    try:
        billing.send_invoice(policy, "a lot")  # type: ignore[arg-type]  # the mistake, which mypy sees too
    except InvalidEventError as error:
        narrator.refused(error)
    narrator.arrived("Refused at the line that made it; nothing was sent.")
    billing.send_invoice(policy, policy.premium)
    narrator.arrived("Corrected, it arrives.")


def _an_outage(narrator: Narrator, policy: Policy) -> None:
    narrator.chapter("Ada pays, and the Events API is down", billing.receive_payment)
    narrator.api.faults(unavailable={"count": 3, "retry_after": 0})
    billing.receive_payment(ADA, policy)
    narrator.arrived("The same request was sent again until it was answered; the event is there once.")


def _a_night(narrator: Narrator) -> None:
    narrator.chapter("Overnight, other policies are renewed: another job", policies.renew_overnight)
    policies.renew_overnight(["POL-101", "POL-102", "POL-103"])
    narrator.arrived("Three events, one request.")
