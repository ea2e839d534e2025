"""A service in one of the modes: direct delivery, or an outbox on SQLite or PostgreSQL."""

import json
from contextlib import ExitStack, contextmanager, suppress

from django.db import connections, transaction

from bc_events import EventClient, events
from bc_events.integrations.django import follow_transactions
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow

from .policies.models import Policy
from .settings import BC_EVENTS

OTHER = "second"
FAILS = suppress(ZeroDivisionError)


class Service:
    """A client of one mode. `arrived` has the ids of the events that were sent or stored, in order."""

    def __init__(self, alias, client, arrived):
        self.alias = alias
        self.client = client
        self.arrived = arrived

    def atomic(self, using=None, **options):
        return transaction.atomic(using=using or self.alias, **options)

    def execute(self, statement):
        with connections[self.alias].cursor() as cursor:
            cursor.execute(statement)


@contextmanager
def service_of(alias, delivery):
    """A service that sends by `delivery`, or without one has an outbox in the database."""
    outbox = DjangoOutbox(alias) if delivery is None else None
    with ExitStack() as stack:
        client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox, delivery=delivery)
        stack.enter_context(client)
        stack.enter_context(events.override(follow_transactions(client)))
        stack.enter_context(second_database())
        stack.callback(lambda: [model.objects.using(alias).all().delete() for model in (OutboxRow, Policy)])
        yield Service(alias, client, (lambda: stored(alias)) if delivery is None else lambda: delivery.ids)


@contextmanager
def second_database():
    connections.databases[OTHER] = {**connections.databases["default"], "NAME": ":memory:", "OPTIONS": {}}
    yield
    connections[OTHER].close()
    del connections.databases[OTHER]
    del connections[OTHER]


def stored(alias):
    return [json.loads(row.payload)["data"]["id"] for row in OutboxRow.objects.using(alias)]


def publish(number):
    return events.created_policy({"id": number})


def roll_back():
    raise ZeroDivisionError


def warnings(caplog):
    """The numbers of dropped events that are warned of."""
    return [record.bc_dropped for record in caplog.records if record.levelname == "WARNING"]
