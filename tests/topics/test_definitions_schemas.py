"""Mistakes in the schemas of a topic-definitions file: references, CloudFormation, inherited types, odd keys."""

import io
import time

import pytest

from bc_events import TopicDefinitionError, TopicTable

ONE = "DefaultCategory: testing\nTopics:\n  - {Action: Created, Entity: Test, Schema: %s}\n"
MADE = "CloudFormation makes this"


def read(schema):
    (topic,) = TopicTable.read(io.StringIO(ONE % schema)).values()
    return topic


def mistakes(schema):
    with pytest.raises(TopicDefinitionError) as caught:
        read(schema)
    start = "Schema of testing.TestCreated is not valid JSON Schema: at "
    assert all(problem.message.startswith(start) for problem in caught.value.problems)
    return [problem.message.removeprefix(start) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "draft", ["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"]
)
@pytest.mark.parametrize(
    "data",
    [
        "x-note: {$ref: '#/nope'}",
        "x-note: [{properties: {a: {$ref: 'https://example.com/x'}}}]",
        "default: {$ref: '#/nope'}",
        "examples: [{$ref: '#/nope'}]",
        "properties: {v: {const: {$ref: '#/nope'}}}",
        "properties: {v: {enum: [{$ref: 'https://example.com/x'}]}}",
        "properties: {$ref: {type: string}}",
        "x-note: {$id: '%', $schema: 'https://example.com/x'}",
    ],
)
def test_a_reference_that_is_data_leads_nowhere_and_is_read(draft, data):
    assert read(f"{{$schema: '{draft}', {data}}}").violations({"w": 1}) == ()


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("{type: string, enum: [NO]}", ["/x-defs/A/enum/0: false is not of type string"]),
        ("{pattern: !Sub x}", [f"/x-defs/A/pattern: {MADE} (!Sub)"]),
        ("{'Fn::If': [A, {}, {}], type: string}", [f"/x-defs/A: {MADE} (Fn::If)"]),
        ("!Ref X", [f"/x-defs/A: {MADE} (!Ref)"]),
        ("{maximum: 010}", ["/x-defs/A/maximum: 010 is read as the number 8"]),
        ("{type: strin}", ["/x-defs/A/type: Unexpected type"]),
        ("text", ["/x-defs/A: 'text' is not of types"]),
        ("{$ref: '#/x-defs/B'}", ["/x-defs/A/$ref: #/x-defs/B does not exist in this schema; correct it"]),
        ("{items: {$ref: 'https://example.com/x'}}", ["/x-defs/A/items/$ref: Resource 'https://example.com/x'"]),
    ],
)
def test_a_part_under_an_unknown_keyword_is_read_where_a_reference_leads_to_it(part, told):
    found = mistakes(f"{{properties: {{v: {{$ref: '#/x-defs/A'}}}}, x-defs: {{A: {part}}}}}")
    assert [message.startswith(start) for message, start in zip(found, told, strict=True)] == [True]
    assert len(read(f"{{x-defs: {{A: {{maximum: 1, x: {part}}}}}}}").schema) == 1


@pytest.mark.parametrize("name", ["A", "a~0b", "a~1b", "a%25b"])
def test_a_part_that_is_referred_to_decides(name):
    key = name.replace("~0", "~").replace("~1", "/").replace("%25", "%")
    topic = read(f"{{properties: {{v: {{$ref: '#/x-defs/0/{name}'}}}}, x-defs: [{{'{key}': {{type: string}}}}]}}")
    assert topic.violations({"v": "a"}) == ()
    assert topic.violations({"v": 1}) != ()


def test_every_reference_that_leads_nowhere_is_told_with_its_place():
    found = mistakes("{properties: {a: {$ref: '#/a'}, b: {not: {$ref: 'https://b'}}, c: {type: string, enum: [NO]}}}")
    places = ["/properties/c/enum/0", "/properties/a/$ref", "/properties/b/not/$ref"]
    assert [message.split(": ")[0] for message in found] == places


@pytest.mark.parametrize(
    ("schema", "place", "function"),
    [
        ("{type: object, 'Fn::Transform': {Name: x}}", "its root", "Fn::Transform"),
        ("{properties: {v: {type: string, 'Fn::If': [A, {}, {}]}}}", "/properties/v", "Fn::If"),
        ("{properties: {v: {Ref: Part, type: string}}}", "/properties/v", "Ref"),
        ("{properties: {v: {}, 'Fn::Transform': {Name: x}}}", "/properties/Fn::Transform", "Fn::Transform"),
        ("{allOf: [{'Fn::Transform': {Name: x}, type: object}]}", "/allOf/0", "Fn::Transform"),
        ("{$defs: {A: {}, 'Fn::ForEach::Part': [a, [b], {}]}}", "/$defs/Fn::ForEach::Part", "Fn::ForEach::Part"),
        ("{properties: {v: {enum: {'Fn::If': [A, [a], [b]], x: y}}}}", "/properties/v/enum", "Fn::If"),
        ("{required: [{'Fn::Sub': a}]}", "/required/0", "Fn::Sub"),
        ("{required: [!Sub a, b]}", "/required/0", "!Sub"),
        ("{pattern: !Sub a}", "/pattern", "!Sub"),
        ("{type: [!Ref A, string]}", "/type/0", "!Ref"),
        ("{properties: {!Ref A: {type: string}}}", "/properties/A", "!Ref"),
        ("{patternProperties: {!Sub '^a': {}}}", "/patternProperties/^a", "!Sub"),
        ("{!Ref type: object}", "/type", "!Ref"),
        ("{const: {!Sub a: 1}}", "/const/a", "!Sub"),
        ("{dependentRequired: {!Sub a: [b]}}", "/dependentRequired/a", "!Sub"),
        ("{contentEncoding: !If [A, base64, base32]}", "/contentEncoding", "!If"),
    ],
)
def test_what_cloudformation_makes_is_told_once_where_it_decides_what_is_valid(schema, place, function):
    assert mistakes(schema) == [f"{place}: {MADE} ({function}), so events cannot be checked against it; write it out"]


@pytest.mark.parametrize("made", ["!If [A, b, c]", "{'Fn::If': [A, b, c], x: y}", "{Ref: A, x: y}", "!Ref A"])
@pytest.mark.parametrize(
    "key", ["title", "description", "$comment", "default", "deprecated", "readOnly", "writeOnly", "examples", "x-note"]
)
def test_what_cloudformation_makes_never_breaks_a_key_that_decides_nothing(key, made):
    topic = read(f"{{properties: {{v: {{type: string, {key}: {made}}}, w: {{x-note: {{!Sub a: 1}}}}}}}}")
    assert topic.violations({"v": "a"}) == ()
    assert topic.violations({"v": 1}) != ()
    text = (ONE % "{}").replace("}\n", f", Description: {made}}}\n")
    assert len(TopicTable.read(io.StringIO(text))) == 1


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ("{allOf: [{type: string}], enum: [a, NO]}", ["/enum/1"]),
        ("{allOf: [{type: string}, {enum: [a, NO]}]}", ["/allOf/1/enum/1"]),
        ("{type: string, anyOf: [{enum: [NO]}, {const: a}]}", ["/anyOf/0/enum/0"]),
        ("{type: string, if: {const: NO}, then: {const: yes}}", ["/then/const"]),
        ("{$ref: '#/$defs/A', const: NO, $defs: {A: {type: string}}}", ["/const"]),
        ("{$id: 'https://example.com/x', $ref: '#/$defs/A', const: NO, $defs: {A: {type: string}}}", ["/const"]),
        ("{allOf: [{$ref: '#/$defs/A'}], const: 1.5, $defs: {A: {$ref: '#/$defs/B'}, B: {type: integer}}}", ["/const"]),
        ("{anyOf: [{type: string}, {type: 'null'}], enum: [a, NO, ~]}", ["/enum/1"]),
        ("{type: [string, number], allOf: [{type: [integer, boolean]}], enum: [1, 1.5, a]}", ["/enum/1", "/enum/2"]),
        ("{type: string, allOf: [{type: integer, const: 1}]}", ["/allOf/0/const"]),
    ],
)
def test_a_value_that_an_inherited_type_refuses_is_told(schema, places):
    assert [message.split(": ")[0] for message in mistakes(schema)] == places


@pytest.mark.parametrize(
    "schema",
    [
        "{$ref: '#/$defs/A', type: string, $defs: {A: {enum: [a, null]}}}",
        "{type: string, not: {const: null}}",
        "{type: object, properties: {v: {enum: [NO]}}}",
        "{type: array, items: {const: 1}}",
        "{$ref: '#', enum: [1]}",
        "{allOf: [{$ref: '#/$defs/A'}], enum: [1], $defs: {A: {anyOf: [{$ref: '#/$defs/A'}, {type: string}]}}}",
        "{type: number, enum: [1, 1.5, 2.0], allOf: [{type: [integer, number]}]}",
    ],
)
def test_a_value_that_an_event_may_have_is_no_mistake(schema):
    """A shared part may be narrowed where it is used."""
    assert read(schema)


def test_types_behind_many_references_take_no_time():
    parts = ", ".join(
        f"A{n}: {{anyOf: [{{$ref: '#/$defs/A{n + 1}'}}, {{$ref: '#/$defs/A{n + 1}'}}]}}" for n in range(40)
    )
    began = time.monotonic()
    schema = f"{{$ref: '#/$defs/A0', enum: [NO], $defs: {{{parts}, A40: {{type: string}}}}}}"
    assert mistakes(schema)[0].startswith("/enum/0: false is not of type string")
    assert time.monotonic() - began < 10


def test_every_key_that_is_not_text_is_told_as_the_file_has_it():
    part = "{type: string, enum: [NO], properties: {~: {}}}"
    schema = f"{{properties: {{on: {{}}, 12:30: {{}}, a: {part}}}}}"
    assert [message.split("; quote")[0] for message in mistakes(schema)] == [
        "/properties/a/enum/0: false is not of type string, so no event could have it",
        "/properties: the key True is a bool",
        "/properties: the key 12:30 is an int",
        "/properties/a/properties: the key None is None",
    ]
    assert len(mistakes("{patternProperties: {'(': {}}, properties: {a: {pattern: '['}}}")) == 2


@pytest.mark.parametrize("schema", ["!Ref A", "!If [A, {}, {}]", "!Split [a]", "{'Fn::Transform': {Name: x}}"])
def test_a_schema_that_cloudformation_makes_as_a_whole_is_told(schema):
    (message,) = mistakes(schema)
    assert message.startswith(f"its root: {MADE}")


@pytest.mark.parametrize("named", ["strng", "~", "[string, null]", "String"])
def test_a_type_that_is_none_is_told_with_those_that_are(named):
    (message,) = mistakes(f"{{properties: {{type: {{type: {named}}}}}}}")
    assert message.startswith("/properties/type/type: ")
    assert "is not a type of JSON Schema; give one of array, boolean, " in message


@pytest.mark.parametrize(
    "schema",
    [
        "{$id: 'https://example.com/x', $ref: 'https://example.com/x#/$defs/A', $defs: {A: {}}}",
        "{$ref: '#/$defs/A', $defs: {A: {$id: 'https://example.com/x', $ref: '#/$defs/B', $defs: {B: {}}}}}",
        "{$ref: '#a', $defs: {A: {$anchor: a}}}",
        "{$ref: 'https://json-schema.org/draft/2020-12/schema'}",
        "{$ref: '#'}",
    ],
)
def test_a_reference_to_a_name_is_read(schema):
    assert read(schema)


@pytest.mark.parametrize("text", ["<<", "="])
def test_a_plain_text_that_yaml_has_a_use_for_is_text_where_it_is_a_value(text):
    assert read(f"{{properties: {{v: {{enum: [{text}]}}}}, required: [{text}]}}").violations({text: 1, "v": text}) == ()


@pytest.mark.parametrize("place", ["properties", "default", "const"])
def test_a_mapping_that_is_nested_too_deeply_is_told(place):
    schema = {}
    for _ in range(1_500):
        schema = {place: {"a": schema}}
    topics = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": schema}]}
    with pytest.raises(TopicDefinitionError, match="at its root: has more than 255 levels, or contains itself"):
        TopicTable.read(topics)
