"""psycopg's connection pool, which Django has for PostgreSQL: an event needs no connection beside its transaction's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI
from bc_events.outbox.django import DjangoOutbox

from .policies.models import Policy
from .settings import BC_EVENTS

WORKERS, POLICIES = 4, 40


@pytest.fixture
def pooled(postgres_alias, django_db_blocker):
    """All connections to the database of the outbox's own tests, of which there is one at a time."""
    pool = {"min_size": 1, "max_size": 1, "timeout": 30}
    connections.databases["pooled"] = {**connections.databases[postgres_alias], "OPTIONS": {"pool": pool}}
    with django_db_blocker.unblock():
        yield "pooled"
        Policy.objects.using("pooled").all().delete()
        connections["pooled"].close()
        connections["pooled"].close_pool()
    del connections.databases["pooled"]


def test_transactions_that_take_turns_at_one_connection_keep_their_events_apart(pooled, postgres_alias):
    """The relay runs elsewhere, and has as many connections as it has workers."""

    def client_of(alias):
        return EventClient(api.url, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox(alias))

    def renew(number):
        try:
            with events.session(f"job-{number}"), suppress(LookupError), transaction.atomic(using=pooled):
                Policy.objects.using(pooled).create(holder=str(number))
                events.renewed_policy({"id": number})
                if number % 4 == 0:
                    raise LookupError
        finally:
            connections[pooled].close()

    with LocalEventsAPI() as api:
        with events.override(client_of(pooled)), ThreadPoolExecutor(WORKERS) as threads:
            list(threads.map(renew, range(POLICIES)))
        with events.override(client_of(postgres_alias)):
            call_command("bc_events_relay", drain=True, stdout=StringIO())
        found = sorted((event.data["id"], event.job_id) for event in api.events())
    saved = sorted(int(holder) for holder in Policy.objects.using(pooled).values_list("holder", flat=True))
    assert saved == [number for number in range(POLICIES) if number % 4]
    assert found == [(number, f"job-{number}") for number in saved]
