"""Topics by every name they answer to."""

import pytest

from bc_events import EventClient, TopicTable, UnknownTopicError
from bc_events.errors import UnknownEventNameError


def table(*names, default="testing"):
    topics = []
    for name in names:
        category, entity, action = name.split(".")
        topics.append({"Category": category, "Entity": entity, "Action": action, "Schema": {"type": "object"}})
    return TopicTable.read({"Topics": topics} | ({"DefaultCategory": default} if default else {}))


def test_both_word_orders_name_a_topic():
    found = table("testing.MyEntity.Created")
    assert found.resolve("created_my_entity") is found.resolve("my_entity_created") is found["testing.MyEntityCreated"]


def test_the_default_category_is_meant_first():
    found = table("other.Test.Created", "testing.Test.Created")
    assert found.resolve("created_test").category == "testing"
    assert found.find(None, "Test", "Created").category == "testing"


def test_any_category_is_meant_where_the_name_is_unique_in_it():
    found = table("other.Test.Created", "third.Test.Updated")
    assert found.resolve("created_test").category == "other"
    assert found.find(None, "Test", "Updated").category == "third"


def test_a_name_of_several_categories_asks_for_one():
    found = table("other.Test.Created", "third.Test.Created")
    for ask in (lambda: found.resolve("created_test"), lambda: found.find(None, "Test", "Created")):
        with pytest.raises(UnknownTopicError, match=r"in the categories other, third .* publish\(category=…\)"):
            ask()
    assert found.find("third", "Test", "Created").name == "third.TestCreated"


def test_an_unknown_name_is_an_error_that_names_the_closest():
    found = table("testing.Policy.Created", "testing.Claim.Closed")
    with pytest.raises(
        UnknownTopicError, match="no topic answers to created_polcy; did you mean created_policy"
    ) as caught:
        found.resolve("created_polcy")
    assert caught.value.name == "created_polcy"
    assert caught.value.closest[0] == "created_policy"
    with pytest.raises(ValueError, match=r"testing.PolcyCreated; did you mean testing.PolicyCreated"):
        found.find(None, "Polcy", "Created")
    with pytest.raises(
        UnknownTopicError, match=r"no topic answers to x.YZ; is it in the definitions file\? It has \w+\.\w+"
    ):
        found.find("x", "Y", "Z")


def test_without_a_default_category_the_error_names_what_was_asked():
    with pytest.raises(UnknownTopicError, match="no topic answers to TestUpdated;"):
        table("other.Test.Created", default=None).find(None, "Test", "Updated")


def test_a_table_reads_as_a_collection_in_the_files_order():
    found = table("testing.Test.Updated", "testing.Test.Created")
    assert [str(topic) for topic in found.values()] == ["testing.TestUpdated", "testing.TestCreated"]
    assert ("testing.TestCreated" in found, "testing.Nothing" in found, len(found)) == (True, False, 2)


def test_a_magic_call_on_a_session_is_an_attribute_error_where_no_topic_fits():
    """Also a ValueError, as the verbose call's is."""
    session = EventClient(None, "TestService", table("testing.Test.Created")).service_session("job-1")
    with pytest.raises(AttributeError, match="created_tset; did you mean created_test") as caught:
        session.created_tset({"id": 1})
    assert isinstance(caught.value, UnknownEventNameError | ValueError)
    assert not hasattr(session, "_private")
    assert session.test_created({"id": 1}).topic.name == "testing.TestCreated"
