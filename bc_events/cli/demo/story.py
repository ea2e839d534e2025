"""The story, chapter by chapter, and what has to have arrived when it has been told."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from bc_events import EventClient, InvalidEventError, TopicTable, events

from . import billing, policies, quotes

if TYPE_CHECKING:
    from .narrator import Narrator

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


def tell(narrator: Narrator) -> None:
    """Raises nothing that the story does not expect."""
    with ExitStack() as stack:
        quoting, insuring, invoicing = (
            stack.enter_context(_client(narrator.api.url, service))
            for service in ("QuoteService", "PolicyService", "BillingService")
        )
        # Three services in one process: each finds its own client while it is at work.
        with events.override(quoting):
            narrator.chapter("Ada asks what it would cost to insure her house", shows=quotes.ask)
            quote = quotes.ask(ADA, "SW1A 1AA")
            narrator.arrived("One unit of work, one request, and Ada is the actor.")

        with events.override(insuring):
            narrator.chapter(
                "She accepts; the underwriter will not cover floods",
                shows=(policies.issue, policies.add_cover),
            )
            policy = policies.issue(quote)
            narrator.arrived(
                "The job goes on in another service. The flood cover's event was dropped with its scope, "
                "and that alone."
            )

        with events.override(invoicing):
            narrator.chapter("An invoice with a mistake in it", shows=billing.send_invoice)
            try:
                billing.send_invoice(policy, "a lot")  # type: ignore[arg-type]  # the mistake, which mypy sees too
            except InvalidEventError as error:
                narrator.refused(error)
            narrator.arrived("Refused at the line that made it; nothing was sent.")
            billing.send_invoice(policy, policy.premium)
            narrator.arrived("Mended, it arrives.")

            narrator.chapter("Ada pays, and the Events API is down", shows=billing.receive_payment)
            narrator.api.faults(unavailable={"count": 3, "retry_after": 0})
            billing.receive_payment(ADA, policy)
            narrator.api.faults()
            narrator.arrived("The same request was repeated until it was answered; the event is there once.")

        with events.override(insuring):
            narrator.chapter("Overnight, other policies are renewed: another job", shows=policies.renew_overnight)
            policies.renew_overnight(["POL-101", "POL-102", "POL-103"])
            narrator.arrived("Three events, one request.")


def _client(url: str, service: str) -> EventClient:
    """What each service configures once; its topics are the file named after it."""
    name = {"QuoteService": "quotes", "PolicyService": "policies", "BillingService": "billing"}[service]
    with files("bc_events.cli.demo").joinpath(f"{name}.yaml").open("rb") as definitions:
        return EventClient(url, service, TopicTable.read(definitions))
