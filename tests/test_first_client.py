"""The public surface of the first client (bc-events 0.4, 2018): code that was written against it goes on working."""

import gc
import importlib
import inspect
import pickle

import pytest

from bc_events import (
    Actor,
    EventClient,
    EventSession,
    InvalidActorError,
    InvalidJobIdError,
    TopicTable,
    UnknownTopicError,
    constants,
    events,
)
from bc_events.constants import ACTOR_TYPE_SERVICE, ACTOR_TYPE_THIRD_PARTY, ACTOR_TYPE_USER

from .conftest import TOPICS

NAMES = ["testing.TestCreated", "other.MyEntityUpdated"]
REQUIRED = inspect.Parameter.empty


@pytest.fixture
def client():
    return EventClient(None, "TestService", TOPICS)


def parameters(function, count):
    """The first `count` parameters that a caller may give by position: their names and defaults."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    found = [(name, one.default) for name, one in inspect.signature(function).parameters.items() if one.kind in kinds]
    return found[:count]


class TestSignatures:
    def test_arguments_have_the_names_places_and_defaults_that_they_had(self, client):
        assert parameters(EventClient, 3) == [
            (name, REQUIRED) for name in ("api_url", "service_name", "topic_definitions")
        ]
        assert parameters(EventSession, 5) == [
            *((name, REQUIRED) for name in ("actor_id", "actor_type", "job_id", "client")),
            ("publish_immediately", False),
        ]
        assert parameters(client.get_topic, 3) == [(name, REQUIRED) for name in ("category", "entity", "action")]
        assert [name for name, _ in parameters(client.user_session, 2)] == ["user_id", "job_id"]
        assert [name for name, _ in parameters(client.service_session, 1)] == ["job_id"]
        assert [name for name, _ in parameters(client.third_party_session, 1)] == ["job_id"]

    def test_publish_takes_keywords_only(self, client):
        session = client.service_session("job-1")
        with pytest.raises(TypeError, match="'action', 'entity', and 'data'"):
            session.publish("Created", "Test", {"id": 1})
        with pytest.raises(TypeError, match="publish takes its arguments by name"):
            session.publish("testing", action="Created", entity="Test", data={"id": 1})
        keywords = inspect.signature(EventSession.publish).parameters
        assert [name for name, one in keywords.items() if one.kind is one.KEYWORD_ONLY] == [
            *("action", "entity", "data", "category")
        ]
        assert keywords["category"].default is None

    def test_a_magic_call_takes_its_data_by_position_or_by_name(self, client):
        session = client.service_session("job-1")
        events = [session.created_test({"id": 1}), session.test_created(data={"id": 2})]
        assert [event.data["id"] for event in events] == [1, 2]
        with pytest.raises(AttributeError, match="tested_create"):
            session.tested_create({"id": 1})

    @pytest.mark.parametrize("name", ["client.EventClient", "session.EventSession", "event.Event", "topics.Topic"])
    def test_the_modules_of_its_classes_have_them_still(self, name):
        module, _, attribute = name.partition(".")
        assert getattr(importlib.import_module(f"bc_events.{module}"), attribute).__name__ == attribute

    def test_the_actor_types_are_constants(self):
        found = [getattr(constants, f"ACTOR_TYPE_{name}") for name in ("USER", "SERVICE", "THIRD_PARTY")]
        assert found == ["user", "service", "third-party"]


class TestTheClient:
    def test_it_tells_its_urls_and_its_service(self):
        client = EventClient("https://api.example.com", "TestService", TOPICS)
        assert (client.api_url, client.service_name) == ("https://api.example.com", "TestService")
        assert client.publish_url == "https://api.example.com/events"
        assert client.publish_bulk_url == "https://api.example.com/events/bulk/"
        assert client.default_category == "testing"
        assert EventClient("https://api.example.com/", "TestService", TOPICS).publish_url == client.publish_url

    @pytest.mark.parametrize("api_url", [None, ""])
    def test_without_an_api_it_has_no_urls_and_only_logs(self, api_url, caplog):
        caplog.set_level("INFO", "bc.events")
        client = EventClient(api_url, "TestService", TOPICS)
        assert (client.api_url, client.publish_url, client.publish_bulk_url) == (None, None, None)
        session = client.user_session("user-id", "job-1")
        event = session.created_test({"id": "secret"})
        session.flush()
        (record,) = caplog.records
        assert (record.name, record.bc_topic, record.bc_job_id) == ("bc.events", "testing.TestCreated", "job-1")
        assert record.bc_event_id == str(event.id)
        assert "secret" not in str(vars(record))

    def test_definitions_without_a_default_category_have_none(self):
        topics = [{**TOPICS["Topics"][1]}]
        assert EventClient(None, "TestService", {"Topics": topics}).default_category is None

    def test_each_kind_of_session_has_its_actor_and_job(self, client):
        sessions = [client.user_session("user-id", "job-1"), client.service_session("job-1")]
        sessions.append(client.third_party_session("job-1"))
        assert [(one.actor_id, one.actor_type, one.job_id) for one in sessions] == [
            ("user-id", ACTOR_TYPE_USER, "job-1"),
            ("TestService", ACTOR_TYPE_SERVICE, "job-1"),
            ("TestService", ACTOR_TYPE_THIRD_PARTY, "job-1"),
        ]
        assert client.service_session().job_id != client.service_session().job_id

    @pytest.mark.parametrize("name", ["api_url", "service_name", "publish_url", "publish_bulk_url", "default_category"])
    def test_an_attribute_that_would_change_nothing_cannot_be_set(self, client, name):
        with pytest.raises(AttributeError, match=name):
            setattr(client, name, "https://api.example.com")


class TestTheTableOfTopics:
    def test_it_has_the_views_of_a_dict(self, client):
        table = client.topic_table
        assert list(table.keys()) == NAMES
        assert [topic.name for topic in table.values()] == NAMES
        assert [(name, topic.name) for name, topic in table.items()] == list(zip(NAMES, NAMES, strict=True))

    def test_it_is_read_as_a_dict_by_name(self, client):
        table = client.topic_table
        assert (list(table), len(table)) == (NAMES, 2)
        assert "testing.TestCreated" in table
        assert "testing.TestDeleted" not in table
        assert str(table["testing.TestCreated"]) == "testing.TestCreated"
        assert table.get("testing.TestDeleted") is None
        assert table.get("testing.TestCreated", "default") is table["testing.TestCreated"]
        assert dict(table) == table

    def test_a_name_that_it_does_not_have_is_a_key_error_that_names_the_closest(self, client):
        with pytest.raises(KeyError) as caught:
            client.topic_table["testing.TestCreate"]
        assert isinstance(caught.value, UnknownTopicError)
        assert str(caught.value) == "no topic answers to testing.TestCreate; did you mean testing.TestCreated?"

    def test_it_cannot_be_changed(self, client):
        topic = client.topic_table["testing.TestCreated"]
        with pytest.raises(TypeError):
            client.topic_table["testing.TestDeleted"] = topic
        with pytest.raises(TypeError):
            del client.topic_table["testing.TestCreated"]

    def test_equal_tables_have_equal_hashes(self, client):
        table = client.topic_table
        same = TopicTable(list(table.values()), "testing")
        assert table == same
        assert hash(table) == hash(same)
        assert table != TopicTable.read(TOPICS)

    def test_each_topic_is_found_by_its_three_words(self, client):
        for topic in client.topic_table.values():
            assert client.get_topic(topic.category, topic.entity, topic.action) is topic
        assert str(client.get_topic(None, "MyEntity", "Updated")) == "other.MyEntityUpdated"
        with pytest.raises(ValueError, match=r"testing\.TestDeleted"):
            client.get_topic("testing", "Test", "Deleted")


class TestASession:
    def test_its_attributes_are_those_that_it_was_made_with(self, client):
        session = EventSession("user-id", "user", "job-1", client, True)
        assert (session.actor_id, session.actor_type, session.job_id) == ("user-id", "user", "job-1")
        assert session.client is client
        assert session.publish_immediately
        assert not EventSession("user-id", "user", "job-1", client).publish_immediately

    @pytest.mark.parametrize("name", ["actor_id", "actor_type", "job_id", "client", "publish_immediately", "events"])
    def test_its_attributes_cannot_be_set(self, client, name):
        session = client.service_session("job-1")
        with pytest.raises(AttributeError):
            setattr(session, name, [])

    @pytest.mark.parametrize("category", ["", None, "testing"])
    def test_no_category_is_the_default_one(self, client, category):
        session = client.service_session("job-1")
        session.publish(action="Created", entity="Test", data={"id": 1}, category=category)
        assert [str(event) for event in session.events] == ["testing.TestCreated"]

    def test_a_rollback_drops_what_is_pending_and_the_session_goes_on(self, client):
        session = client.service_session("job-1")
        session.created_test({"id": 1})
        assert session.rollback() == 1
        session.created_test({"id": 2})
        assert [event.data["id"] for event in session.events] == [2]

    def test_its_events_are_compared_and_read_as_a_list(self, client):
        session = client.service_session("job-1")
        events = [session.created_test({"id": number}) for number in range(3)]
        assert session.events == events
        assert events == session.events
        assert session.events == tuple(events)
        assert session.events != events[:2]
        assert (session.events != events) is False
        assert (session.events[0], session.events[-1], len(session.events)) == (events[0], events[2], 3)
        assert hash(session.events) == hash(tuple(events))

    def test_its_events_cannot_be_changed(self, client):
        session = client.service_session("job-1")
        session.created_test({"id": 1})
        for change in ("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"):
            with pytest.raises(AttributeError):
                getattr(session.events, change)
        with pytest.raises(TypeError):
            session.events[0] = None
        with pytest.raises(TypeError):
            del session.events[:]
        assert len(session.events) == 1

    @pytest.mark.parametrize("job_id", ["", "a b", "a\n", "é", "x" * 256, 7])
    def test_a_job_id_that_cannot_travel_is_refused_where_it_is_passed(self, client, job_id):
        with pytest.raises(InvalidJobIdError):
            client.service_session(job_id)

    @pytest.mark.parametrize(
        "user_id", ["", "abcd", None, 12345, "abcd\ud800", pytest.param("u" * 10_000_001, id="10 MB")]
    )
    def test_an_actor_the_api_would_refuse_is_refused_where_it_is_passed(self, client, user_id):
        with pytest.raises(InvalidActorError):
            client.user_session(user_id)

    def test_an_actor_is_the_text_that_its_words_are_whatever_they_show(self):
        class Shown(str):
            __slots__ = ()

            def __str__(self):
                return "another"

            def __len__(self):
                return 99

        actor = Actor(Shown("user-1"), Shown("user"))
        assert (type(actor.id), f"{actor.id} {actor.type}") == (str, "user-1 user")
        with pytest.raises(InvalidActorError):
            Actor(Shown("u"), "user")

    def test_an_actor_of_an_unknown_type_is_refused(self, client):
        with pytest.raises(ValueError, match="actor type is 'robot'; give one of service, third-party, user"):
            EventSession("user-id", "robot", "job-1", client)

    def test_client_and_session_show_themselves_without_secrets(self, client):
        secretive = EventClient("https://example.com", "TestService", TOPICS, auth=lambda: "secret")
        assert repr(secretive) == "<EventClient TestService at https://example.com>"
        assert repr(secretive.service_session("job-1")) == "<EventSession TestService job job-1 open>"
        assert repr(client) == "<EventClient TestService at no API (log only)>"


class TestAnEvent:
    def test_it_shows_its_topic_data_and_envelope(self, client):
        session = client.user_session("user-id", "job-1")
        event = session.publish(action="Created", entity="Test", data={"id": 1, "a": None}, category="testing")
        assert (str(event), event.data) == ("testing.TestCreated", {"id": 1, "a": None})
        assert event.topic is client.get_topic("testing", "Test", "Created")
        assert event.request_json == {
            "action": "Created",
            "category": "testing",
            "entity": "Test",
            "data": {"id": 1, "a": None},
            "actor": {"id": "user-id", "type": "user"},
        }
        assert session.events == [event]
        assert repr(event) == f"<Event testing.TestCreated {event.id} job job-1>"

    def test_it_knows_its_session(self, client):
        session, other = (client.user_session("user-id", "job-1") for _ in range(2))
        event = session.created_test({"id": 1})
        assert event.session is session
        assert event.session != other
        assert len({event.session, session}) == 1
        assert (event.session.job_id, event.session.actor_id, event.session.actor_type) == ("job-1", "user-id", "user")
        assert event.session.client is client
        assert event.session.events == [event]

    def test_it_knows_its_session_after_that_was_let_go(self, client):
        event = client.user_session("user-id", "job-1").created_test({"id": 1})
        gc.collect()
        assert event.session.events == [event]

    def test_it_knows_the_session_of_its_scope(self, client):
        with events.session("job-1", client=client) as session:
            assert events.created_test({"id": 1}).session == session == events.current_session()

    def test_pickled_it_knows_the_job_and_the_actor_of_its_session(self, client):
        event = pickle.loads(pickle.dumps(client.user_session("user-id", "job-1").created_test({"id": 1})))
        assert (event.session.job_id, event.session.actor_id, event.session.actor_type) == ("job-1", "user-id", "user")

    @pytest.mark.parametrize("name", ["data", "session", "topic", "request_json"])
    def test_its_attributes_cannot_be_set(self, client, name):
        event = client.service_session("job-1").created_test({"id": 1})
        with pytest.raises(AttributeError):
            setattr(event, name, {"id": 2})
