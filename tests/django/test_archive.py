"""Django's archive: the command that prints it, the admin that shows it, and events that are stored sealed."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import transaction

from bc_events import EventClient, events
from bc_events.local import LocalEventsAPI
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow, SentRow

from .settings import BC_EVENTS

LIST = "/admin/bc_events_outbox/sentrow/"


def reversed_bytes(text: bytes) -> bytes:
    return text[::-1]


class Urlconf:
    from django.urls import path

    urlpatterns = (path("admin/", admin.site.urls),)


@pytest.fixture
def sent(alias, monkeypatch):
    """Two events that were delivered, of two jobs; sealed."""
    outbox = DjangoOutbox(alias, keep="90d", seal=reversed_bytes, open=reversed_bytes)
    with LocalEventsAPI() as api:
        client = EventClient(api.url, "PolicyService", BC_EVENTS["TOPICS"], outbox=outbox)
        with events.override(client):
            for number in (1, 2):
                with events.session(f"job-{number}"), transaction.atomic(alias):
                    events.created_policy({"id": number, "holder": "Jane Doe"})
            stored = list(OutboxRow.objects.using(alias).values_list("payload", flat=True))
            call_command("bc_events_relay", drain=True, within=60.0, stdout=StringIO())
            yield stored, api.events()
        client.close()


def printed(*arguments, **options):
    out = StringIO()
    call_command("bc_events_history", *arguments, stdout=out, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_events_are_sealed_in_the_table_and_arrive_opened(alias, sent):
    stored, received = sent
    assert len(stored) == 2
    assert all(payload.startswith("sealed:") and "Jane" not in payload for payload in stored)
    assert [event.data["holder"] for event in received] == ["Jane Doe"] * 2
    assert "Jane" not in repr(list(SentRow.objects.using(alias).values()))


def test_the_command_prints_what_was_sent(sent):
    assert [found["jobId"] for found in printed()] == ["job-2", "job-1"]
    (found,) = printed("--job", "job-1", "--since", "1d")
    assert found["topic"] == "policies.PolicyCreated"
    assert "envelope" not in found
    assert printed(found["id"]) == [found]
    assert printed("--topic", "policies.PolicyRenewed") == []
    assert [found["envelope"]["data"]["id"] for found in printed("--payload")] == [2, 1]


def test_the_command_refuses_options_that_do_not_go_together(sent):
    with pytest.raises(CommandError, match="--format table"):
        printed(format="table", payload=True)


def test_the_command_needs_an_outbox():
    with pytest.raises(CommandError, match="OUTBOX"):
        printed()


@pytest.fixture
def user(client):
    user = get_user_model().objects.create_user("somebody", is_staff=True)
    client.force_login(user)
    return user


@pytest.fixture
def archived(settings):
    """Three rows of the archive in the default database."""
    settings.ROOT_URLCONF = Urlconf
    return [
        SentRow.objects.create(
            event_id=f"00000000-0000-0000-0000-00000000000{number}",
            seq=number,
            category="policies",
            job_id=f"job-{number % 2}",
            topic=f"policies.Policy{number}",
            payload="sealed:c2VjcmV0",
            created_at=1.7e9,
            sent_at=1.7e9 + number,
            attempts=1,
            service="PolicyService",
        )
        for number in range(3)
    ]


@pytest.mark.django_db
class TestAdmin:
    def found(self, client, **query):
        return [row.seq for row in client.get(LIST, query).context["cl"].result_list]

    def test_who_may_look_sees_what_was_sent(self, client, user, archived):
        user.user_permissions.add(Permission.objects.get(codename="view_sentrow"))
        assert self.found(client) == [2, 1, 0]
        page = client.get(f"{LIST}{archived[0].pk}/change/").content.decode()
        assert "policies.Policy0" in page

    def test_nobody_else_does(self, client, user, archived):
        assert client.get(LIST).status_code == 403

    def test_a_search_is_for_a_job_an_event_or_a_topic(self, admin_client, archived):
        assert self.found(admin_client, q="job-0") == [2, 0]
        assert self.found(admin_client, q=str(archived[1].pk)) == [1]
        assert self.found(admin_client, q="policies.Policy2") == [2]
        assert self.found(admin_client, q="job") == []

    def test_nobody_adds_changes_or_deletes(self, admin_client, archived):
        one = f"{LIST}{archived[0].pk}"
        assert admin_client.get(f"{LIST}add/").status_code == 403
        assert admin_client.post(f"{one}/delete/", {"post": "yes"}).status_code == 403
        assert admin_client.get(f"{one}/change/").context["has_change_permission"] is False
        assert SentRow.objects.count() == 3
