"""The events of this service, for editors and type checkers.

Written by `bc-events gen` from policies.yaml. Do not edit it: change that file, and run the command again.
sha256 of policies.yaml: 72fcd60ea69a0a40b0c072e21dd8ed96a481c96b132154330d4fd48bc2753de2
"""
# ruff: noqa
# fmt: off

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events import events as _events
from bc_events.events import aflush as aflush
from bc_events.events import configure as configure
from bc_events.events import current_job_id as current_job_id
from bc_events.events import default_client as default_client
from bc_events.events import detached as detached
from bc_events.events import flush as flush
from bc_events.events import override as override
from bc_events.events import propagate as propagate
from bc_events.events import publish as publish
from bc_events.events import resend as resend
from bc_events.events import rollback as rollback
from bc_events.events import service_context as service_context
from bc_events.events import session as session
from bc_events.events import third_party_context as third_party_context
from bc_events.events import user_context as user_context

if TYPE_CHECKING:
    from bc_events.event import Event
    from bc_events.session import EventSession
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from typing import Any, Literal, NotRequired, TypeAlias, TypedDict
    from uuid import UUID

    CreatedPolicy = TypedDict("CreatedPolicy", {
        "id": "str | UUID",
        "state": 'Literal["active", "cancelled"]',
        "lines": "Sequence[CreatedPolicyLinesItem]",
        "holder": "NotRequired[Person]",
        "payer": "NotRequired[Person | None]",
        "from": "NotRequired[str | datetime]",
        "tags": "NotRequired[list[str]]",
        "rates": "NotRequired[Mapping[str, float | Decimal]]",
    })


    class CreatedPolicyLinesItem(TypedDict):
        code: str
        premium: float | Decimal


    class Person(TypedDict):
        """Someone whom a policy names."""
        name: str
        agent: NotRequired[Person]


    RenewedPolicy = TypedDict("RenewedPolicy", {
        "id": "str",
        "class": "NotRequired[int]",
    })


    class SentInvoiceOption1(TypedDict):
        email: str


    class SentInvoiceOption2(TypedDict):
        letter: bool


    SentInvoice: TypeAlias = "SentInvoiceOption1 | SentInvoiceOption2"


    SentReminder: TypeAlias = "Mapping[str, Any]"


    class Session(EventSession):
        """A session whose magic calls are typed."""

        def created_policy(self, data: CreatedPolicy, /) -> Event:
            """A quote became a policy."""
            ...
        policy_created = created_policy

        def renewed_policy(self, data: RenewedPolicy, /) -> Event:
            """Publishes policies.PolicyRenewed."""
            ...
        policy_renewed = renewed_policy

        def sent_invoice(self, data: SentInvoice, /) -> Event:
            """Publishes billing.InvoiceSent."""
            ...
        invoice_sent = sent_invoice

        def sent_reminder(self, data: SentReminder, /) -> Event:
            """Publishes policies.ReminderSent."""
            ...
        reminder_sent = sent_reminder


    def current_session() -> Session: ...


    _live = current_session()
    created_policy = _live.created_policy
    policy_created = _live.policy_created
    renewed_policy = _live.renewed_policy
    policy_renewed = _live.policy_renewed
    sent_invoice = _live.sent_invoice
    invoice_sent = _live.invoice_sent
    sent_reminder = _live.sent_reminder
    reminder_sent = _live.reminder_sent
else:
    from bc_events import EventSession as Session

    def __getattr__(name):
        """A call of the ambient API. It is kept here, so that the next access finds it at once."""
        found = globals()[name] = getattr(_events, name)
        return found
