"""Topics in the forms of other tools. `python -m tests.contract.official` asks those tools themselves."""

import json

import jsonschema_rs
import pytest

from bc_events import TopicTable
from bc_events.contract.export.asyncapi import asyncapi
from bc_events.contract.export.cloudevents import cloudevents
from bc_events.contract.export.cloudformation import cloudformation
from bc_events.contract.export.example_data import example_data
from bc_events.contract.export.markdown import markdown
from bc_events.contract.export.metaschema import metaschema

LINE = {"type": "object", "title": "Line", "properties": {"premium": {"type": "number"}}}
SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The policy's | number."},
        "state": {"enum": ["active", None]},
        "lines": {"type": "array", "items": LINE},
        "parent": {"$ref": "#"},
    },
}
DEFINITIONS = {
    "DefaultCategory": "policies",
    "Topics": [
        {"Action": "Created", "Entity": "Policy", "Description": "A quote\nbecame a <policy>.", "Schema": SCHEMA},
        {
            "Action": "Sent",
            "Entity": "Mail",
            "Category": "claims",
            "Schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "minProperties": 1},
        },
    ],
}


@pytest.fixture
def table():
    return TopicTable.read(DEFINITIONS)


def test_asyncapi_has_a_channel_a_message_and_an_operation_for_each_topic(table):
    document = asyncapi(table, "Policies", "2.0.0")
    assert document["info"] == {"title": "Policies", "version": "2.0.0"}
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert addresses == ["policies.PolicyCreated", "claims.MailSent"]
    operation = document["operations"]["publishPoliciesPolicyCreated"]
    assert (operation["action"], operation["channel"]) == ("send", {"$ref": "#/channels/PoliciesPolicyCreated"})
    first, second = document["components"]["messages"].values()
    assert first["payload"]["schema"] == SCHEMA
    assert [one["payload"]["schemaFormat"][-7:] for one in (first, second)] == ["2020-12", "raft-07"]


def test_cloudformation_has_an_sns_topic_for_each(table):
    template = cloudformation(table, "Policies")
    names = [resource["Properties"]["TopicName"] for resource in template["Resources"].values()]
    assert names == ["policies-PolicyCreated", "claims-MailSent"]
    assert {output["Value"]["Ref"] for output in template["Outputs"].values()} == set(template["Resources"])


def test_cloudevents_are_valid_examples_and_always_the_same(table):
    made = cloudevents(table, "/policies")
    assert made == cloudevents(table, "/policies")
    assert [(one["specversion"], one["type"], one["source"]) for one in made] == [
        ("1.0", "policies.PolicyCreated", "/policies"),
        ("1.0", "claims.MailSent", "/policies"),
    ]
    for one in made:
        assert table[one["type"]].violations(one["data"]) == ()


def test_an_example_has_all_keys_and_prefers_what_the_schema_gives():
    def example(schema):
        topic = {"Action": "Created", "Entity": "Policy", "Schema": schema}
        return example_data(TopicTable.read({"DefaultCategory": "a", "Topics": [topic]})["a.PolicyCreated"])

    flat = {**SCHEMA["properties"], "parent": True}
    assert example({**SCHEMA, "properties": flat}).keys() == flat.keys()
    assert example({**SCHEMA, "examples": [{"id": 1}, {"id": "0b5e8c1e-7f0a-4c57-9d7e-1f2a3b4c5d6e"}]}) == {
        "id": "0b5e8c1e-7f0a-4c57-9d7e-1f2a3b4c5d6e"
    }
    assert example({"type": "object", "properties": {"a": {"not": {}}}, "required": ["a"]}) is None


def test_the_catalogue_shows_keys_and_an_example_and_no_markup_of_the_topics(table):
    page = markdown(table, "Our events")
    assert page.startswith("# Our events\n\n| topic | description |\n|---|---|\n")
    assert "| [policies.PolicyCreated](#policiespolicycreated) | A quote became a \\<policy\\>. |" in page
    assert "| id | text (uuid) | yes | The policy's \\| number. |" in page
    assert '| state | "active" or null |  |  |' in page
    assert "| lines | list of Line |  |  |" in page
    assert "| parent | PolicyCreated |  |  |" in page
    example = page.split("```json\n")[1].split("```")[0]
    assert table["policies.PolicyCreated"].violations(json.loads(example)) == ()


def test_the_metaschema_accepts_what_is_read_and_refuses_what_is_not(table):
    validator = jsonschema_rs.validator_for(metaschema())
    assert validator.is_valid(DEFINITIONS)
    for wrong in (
        {},
        {"Topics": {}},
        {"Topics": [{"Action": "Created", "Entity": "Policy"}]},
        {"Topics": [{"Action": "created", "Entity": "Policy", "Schema": True}]},
        {"DefaultCategory": "Policies", "Topics": []},
    ):
        assert not validator.is_valid(wrong)
