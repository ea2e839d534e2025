"""The admin shows the outbox and replays what is dead; it changes and deletes nothing."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from bc_events import EventClient, events
from bc_events.outbox.django import DjangoOutbox
from bc_events.outbox.django.models import OutboxRow

from .settings import BC_EVENTS

pytestmark = pytest.mark.django_db
LIST = "/admin/bc_events_outbox/outboxrow/"


class Urlconf:
    from django.urls import path

    urlpatterns = (path("admin/", admin.site.urls),)


@pytest.fixture(autouse=True)
def dead(settings):
    """The dead one of two rows."""
    settings.ROOT_URLCONF = Urlconf
    client = EventClient(None, "PolicyService", BC_EVENTS["TOPICS"], outbox=DjangoOutbox())
    with events.session("job-1", client=client):
        events.created_policy({"id": 1})
        events.renewed_policy({"id": 2})
    row = OutboxRow.objects.get(topic="policies.PolicyRenewed")
    row.dead_at, row.last_error = 1.0, "refused by the test"
    row.save()
    return row


@pytest.fixture
def user(client):
    user = get_user_model().objects.create_user("somebody", is_staff=True)
    client.force_login(user)
    return user


def allow(user, *names):
    user.user_permissions.add(*Permission.objects.filter(codename__in=[f"{name}_outboxrow" for name in names]))


def replay(client, row):
    return client.post(LIST, {"action": "replay", "_selected_action": [row.pk]}, follow=True)


def test_who_may_look_sees_what_waits_and_what_is_dead(client, user):
    allow(user, "view")
    page = client.get(LIST).content.decode()
    assert "policies.PolicyCreated" in page
    assert "refused by the test" in page


def test_the_list_narrows_to_what_is_dead(client, user):
    allow(user, "view")
    assert client.get(LIST, {"state": "dead"}).context["cl"].result_count == 1


def test_who_may_replay_makes_dead_events_ready_again(client, user, dead):
    allow(user, "view", "replay")
    assert "1 dead events will be sent again" in replay(client, dead).content.decode()
    dead.refresh_from_db()
    assert not dead.is_dead


def test_who_may_only_look_cannot_replay(client, user, dead):
    allow(user, "view")
    replay(client, dead)
    dead.refresh_from_db()
    assert dead.is_dead


def test_nobody_adds_changes_or_deletes(admin_client, dead):
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{dead.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{LIST}{dead.pk}/change/").context["has_change_permission"] is False
