"""The billing service."""

from datetime import date
from decimal import Decimal

from bc_events import events

from .policies import Policy


@events.session(job_id=lambda policy, *_, **__: policy.job_id)
def send_invoice(policy: Policy, amount: Decimal) -> None:
    events.sent_invoice({"policy": policy.id, "amount": amount, "due": date(2026, 12, 31)})


def receive_payment(customer: str, policy: Policy) -> None:
    with events.user_context(customer, policy.job_id):
        events.received_payment({"policy": policy.id, "amount": policy.premium})
