"""Django's transactions and its relay through PgBouncer, which gives each transaction another server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI
from bc_events.outbox import Relay
from bc_events.outbox.django import DjangoOutbox
from tests.django import settings as module
from tests.django.policies.models import Policy
from tests.outbox.relays import until
from tests.outbox.service import QUICK, api_of
from tests.pgbouncer import MISSING, PgBouncer, is_installed

JOBS = 5
PER_JOB = 9


@pytest.fixture
def bounced(postgres, postgres_alias, django_db_blocker):
    """An alias that leads to the database of `postgres_alias` through PgBouncer."""
    if not is_installed():
        pytest.skip(MISSING)
    bouncer = PgBouncer(postgres, pool_size=2).start()
    place = {"HOST": str(bouncer.folder), "PORT": str(bouncer.port), "DISABLE_SERVER_SIDE_CURSORS": True}
    connections.databases["bounced"] = {**connections.databases[postgres_alias], **place}
    with django_db_blocker.unblock():
        yield "bounced"
        connections["bounced"].close()
        del connections["bounced"]
        bouncer.stop()
        Policy.objects.using(postgres_alias).all().delete()
    del connections.databases["bounced"]


@pytest.mark.parametrize("order", ["time", "job"])
def test_applications_and_relays_share_its_servers(bounced, order):
    outbox = DjangoOutbox(bounced)

    def publish(job):
        with events.session(f"job-{job}", client=client):
            for number in range(PER_JOB):
                with transaction.atomic(bounced):
                    Policy.objects.using(bounced).create(holder=str(number))
                    events.created_policy({"number": number})
                    transaction.set_rollback(number % 3 == 2, using=bounced)
        connections[bounced].close()

    with LocalEventsAPI() as api, Relay(outbox.store, api_of(api.url), workers=3, order=order, settings=QUICK):
        client = EventClient(None, "PolicyService", module.BC_EVENTS["TOPICS"], outbox=outbox)
        with client, ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(publish, range(JOBS)))
        until(lambda: outbox.store.stats().pending == 0)
        arrived = {(event.job_id, event.data["number"]) for event in api.events()}
    assert arrived == {(f"job-{job}", number) for job in range(JOBS) for number in range(PER_JOB) if number % 3 != 2}
    assert Policy.objects.using(bounced).count() == len(arrived)
    outbox.store.close()
