"""Laws of reading topic-definitions files, whatever stands in one."""

import io
import json
from contextlib import suppress

import jsonschema_rs
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events import TopicDefinitionError, TopicTable

FEW = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
TYPES = ["string", "number", "integer", "boolean", "array", "object", "null"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "<<",
        "=",
        "yes",
        "on",
        "12:30",
        "017",
        "1e3",
        "~",
        "",
        "2026-01-01",
        "!Ref",
        "*a",
        "&a",
        "Ref",
        "Fn::If",
        "$ref",
        "#",
    ]
)
numbers = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: "e" not in repr(value))
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | numbers | texts
documents = st.recursive(scalars, lambda parts: st.lists(parts, max_size=4) | st.dictionaries(texts, parts, max_size=4))
types = st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, unique=True)
values = st.sampled_from([None, True, False, 0, 1, 1.5, 2.0, "a", "", [], [1], {}, {"a": 1}])
typed = st.recursive(
    st.fixed_dictionaries({}, optional={"type": types}),
    lambda parts: st.fixed_dictionaries(
        {},
        optional={
            "type": types,
            "$ref": st.sampled_from(["#/$defs/A", "#/$defs/B"]),
            **{word: st.lists(parts, min_size=1, max_size=3) for word in ("allOf", "anyOf", "oneOf")},
        },
    ),
    max_leaves=6,
)
keywords = st.sampled_from(
    ["type", "$ref", "enum", "const", "allOf", "anyOf", "not", "items", "properties", "$defs", "required", "title"]
) | st.sampled_from(
    ["pattern", "default", "examples", "x-note", "$id", "$anchor", "Ref", "Fn::If", "minimum", "format"]
)
odd_schemas = st.recursive(
    scalars | types,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(keywords, parts, max_size=4)
        | st.fixed_dictionaries(
            {"$ref": st.sampled_from(["#", "#/$defs/a", "#/x-note", "#a", "http://a/b", "#/enum/0"])}
        )
    ),
    max_leaves=15,
)


def definitions(schema, **other):
    return {
        "DefaultCategory": "testing",
        "Topics": [{"Action": "Created", "Entity": "Test", "Schema": schema, **other}],
    }


def mistakes(source):
    try:
        TopicTable.read(source)
    except TopicDefinitionError as error:
        return sorted(problem.message for problem in error.problems)
    return []


@FEW
@given(documents)
def test_data_in_a_file_is_read_as_it_is(document):
    """YAML 1.1 reads 1e-05, which JSON writes, as text, and takes no pairs of surrogates."""
    written = definitions({"default": document, "title": "a"}, Note=document)
    for text in (yaml.safe_dump(written), json.dumps(written)):
        try:
            topic = TopicTable.read(io.StringIO(text))["testing.TestCreated"]
        except TopicDefinitionError:
            assert "\\ud" in text
        else:
            assert topic.definition["Note"] == topic.schema["default"] == document


@FEW
@given(odd_schemas)
def test_a_schema_is_read_or_its_mistakes_are_told_the_same_from_a_file_and_a_mapping(schema):
    """In their places: jsonschema-rs shows the keys of a mapping in any order."""
    written = definitions(schema)
    sources = (written, io.StringIO(yaml.safe_dump(written, sort_keys=False)))
    first, second = ([message.split(": ")[:2] for message in mistakes(source)] for source in sources)
    assert first == second


@FEW
@given(st.text() | st.text("&*a!<[]{},:? -'\"|#\n\t%", max_size=40) | st.binary())
def test_any_text_is_read_or_its_mistakes_are_told(text):
    with suppress(TopicDefinitionError):
        TopicTable.read(io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text))


@FEW
@given(typed, typed, typed, st.lists(values, min_size=1, max_size=6))
def test_no_event_can_have_a_value_that_is_told_to_be_of_another_type(schema, first, second, listed):
    schema = {**schema, "$defs": {"A": first, "B": second}, "enum": listed}
    told = [message for message in mistakes(definitions(schema)) if "so no event could have it" in message]
    validator = jsonschema_rs.validator_for(schema)
    for message in told:
        place = message.split(" at /enum/")[1].split(":")[0]
        assert not validator.is_valid(listed[int(place)])
