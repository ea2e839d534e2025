"""System checks: each mistake in the settings has a message that names it and says what to do."""

from __future__ import annotations

import pathlib
import re

import pytest
import requests
from django.core.checks import run_checks

from bc_events import ConfigurationError
from bc_events.integrations.django import EventsMiddleware
from bc_events.integrations.django.settings import KEYS, EventsSettings
from bc_events.outbox.django import DjangoOutbox

OURS = "bc_events.integrations.django.EventsMiddleware"


@pytest.fixture
def found(settings):
    """The messages of the checks for changed settings, by id."""

    def found(**changed):
        for name, value in changed.items():
            setattr(settings, name, value)
        return {message.id: str(message) for message in run_checks() if message.id.startswith("bc_events.")}

    return found


@pytest.fixture
def events_settings(settings):
    def events_settings(**changed):
        return {**settings.BC_EVENTS, **changed}

    return events_settings


@pytest.mark.usefixtures("atomic_requests")
def test_good_settings_pass(found, settings):
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    assert found() == {}


@pytest.fixture(autouse=True)
def _databases_as_before(settings):
    before = {alias: dict(database) for alias, database in settings.DATABASES.items()}
    yield
    settings.DATABASES.update(before)


def test_a_missing_key_is_named(found, events_settings):
    given = events_settings()
    del given["TOPICS"]
    assert "lacks TOPICS" in found(BC_EVENTS=given)["bc_events.E001"]


def test_a_misspelt_key_is_named_with_the_closest_one(found, events_settings):
    assert "did you mean OUTBOX?" in found(BC_EVENTS=events_settings(OUTBOKS="x"))["bc_events.E001"]


def test_settings_that_are_no_mapping_are_refused(found):
    assert "make it a mapping of API_URL" in found(BC_EVENTS="x")["bc_events.E001"]


def test_topics_that_cannot_be_read_are_told(found, events_settings):
    assert "/nowhere/topics.yaml" in found(BC_EVENTS=events_settings(TOPICS="/nowhere/topics.yaml"))["bc_events.E001"]


@pytest.mark.parametrize("key", ["SUCCESS", "ACTOR", "BORDER", "AUTH", "ON_DELIVERY_ERROR"])
def test_a_dotted_path_that_leads_nowhere_is_named(found, events_settings, key):
    told = found(BC_EVENTS=events_settings(**{key: "no.such.thing"}))["bc_events.E001"]
    assert f"{key}'] cannot be imported" in told
    assert "or a dotted path" in told


def test_a_misspelt_name_of_the_settings_is_answered_with_the_right_one(settings, monkeypatch):
    settings.BC_EVENT = settings.BC_EVENTS
    del settings.BC_EVENTS
    for name in ("BC_EVENTS_API_URL", "BC_EVENTS_SERVICE_NAME", "BC_EVENTS_TOPICS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"nothing reads settings.BC_EVENT; rename it"):
        EventsSettings.read().client()


def test_without_settings_and_environment_the_error_shows_settings_to_write(settings, monkeypatch):
    """Not variables of the environment alone: a reader of Django's docs looks into the settings."""
    del settings.BC_EVENTS
    for name in ("BC_EVENTS_API_URL", "BC_EVENTS_SERVICE_NAME", "BC_EVENTS_TOPICS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"settings.BC_EVENTS is missing; define it, such as BC_EVENTS = \{"):
        EventsSettings.read().client()


def test_an_actor_that_cannot_be_called_is_refused(found, events_settings):
    assert "give a callable" in found(BC_EVENTS=events_settings(ACTOR=1))["bc_events.E001"]


class Delivery:
    """The application's own."""

    record = runner = None
    is_closed = False

    def close(self):
        self.is_closed = True


def test_what_the_settings_hold_ready_made_is_left_open(found, events_settings):
    """Servers check at their start, and use the very same objects."""
    delivery, http = Delivery(), requests.Session()
    adapters = [Delivery(), Delivery()]
    for prefix, adapter in zip(("https://", "http://"), adapters, strict=True):
        http.mount(prefix, adapter)
    changed = events_settings(API_URL="http://127.0.0.1:1", CLIENT={"delivery": delivery, "http": http})
    assert "bc_events.E001" not in found(BC_EVENTS=changed)
    assert [one.is_closed for one in (delivery, *adapters)] == [False] * 3


def test_the_middleware_refuses_to_start_with_wrong_settings(settings, events_settings):
    """Servers run no checks."""
    settings.BC_EVENTS = events_settings(ACTOR=1)
    with pytest.raises(ConfigurationError, match="ACTOR"):
        EventsMiddleware(lambda request: None)


def test_a_missing_middleware_is_told(found):
    assert "not in MIDDLEWARE" in found(MIDDLEWARE=[])["bc_events.W001"]


def test_a_middleware_that_comes_too_early_is_told(found, settings):
    assert "before AuthenticationMiddleware" in found(MIDDLEWARE=[OURS, *settings.MIDDLEWARE[:-1]])["bc_events.W002"]


def test_a_middleware_that_is_there_twice_is_refused(found, settings):
    assert "twice" in found(MIDDLEWARE=[*settings.MIDDLEWARE, OURS])["bc_events.E002"]


def test_views_without_a_transaction_are_told(found):
    assert "ATOMIC_REQUESTS" in found()["bc_events.W003"]


def test_a_database_without_autocommit_is_refused(found, settings):
    settings.DATABASES["default"]["AUTOCOMMIT"] = False
    assert "AUTOCOMMIT" in found()["bc_events.E003"]


class TestOutbox:
    def test_an_alias_that_does_not_exist_is_refused(self, found, events_settings):
        assert "Name one of default, other" in found(BC_EVENTS=events_settings(OUTBOX="django:away"))["bc_events.E004"]

    def test_an_app_that_is_not_installed_is_refused(self, found, events_settings, settings):
        apps = [name for name in settings.INSTALLED_APPS if name != "bc_events.outbox.django"]
        messages = found(INSTALLED_APPS=apps, BC_EVENTS=events_settings(OUTBOX="django"))
        assert "manage.py migrate" in messages["bc_events.E005"]

    def test_a_router_that_keeps_its_table_out_is_refused(self, found, events_settings):
        class Router:
            def allow_migrate(self, db, app_label, **_hints):
                return app_label != "bc_events_outbox"

        messages = found(DATABASE_ROUTERS=[Router()], BC_EVENTS=events_settings(OUTBOX="django"))
        assert "router keeps" in messages["bc_events.E006"]

    @pytest.mark.parametrize("outbox", ["django:other", DjangoOutbox("other")], ids=["name", "object"])
    def test_a_database_in_which_the_service_s_models_do_not_live_is_told(self, found, events_settings, outbox):
        assert "policies.Policy" in found(BC_EVENTS=events_settings(OUTBOX=outbox))["bc_events.W004"]

    def test_the_database_of_the_service_s_models_passes(self, found, events_settings):
        assert set(found(BC_EVENTS=events_settings(OUTBOX="django"))) == {"bc_events.W003"}


def test_every_key_is_documented():
    page = pathlib.Path(__file__).parents[2] / "docs/how-to/django.md"
    table = page.read_text(encoding="utf-8").partition("## The settings")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(KEYS)
