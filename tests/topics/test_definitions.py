"""A topic-definitions file: what is read, and the mistakes that are reported."""

import importlib.util
import pickle
import re
from types import MappingProxyType

import pytest
import yaml

from bc_events import EventSession, TopicDefinitionError, TopicTable, events
from bc_events.constants import RESERVED_NAMES

from .reading import ONE, of_property, only_problem, problems, read


def test_every_mistake_of_a_file_is_told_at_once_with_file_line_and_remedy(tmp_path):
    file = tmp_path / "topics.yaml"
    file.write_text("""\
DefaultCategory: testing
Topics:
  - Action: created
    Entity: Test
    Schema: {type: object}
  - Entity: Test
    Schema: {type: object}
  - Action: Created
    Entity: Test
    Schema: {type: objekt}
  - Action: Created
    Entity: Test
    Schema: {type: object}
  - Action: Created
    Entity: Test
    Schema: {type: object}
  - Action: Created
    Entity: Other
    Category: 7
    Schema: text
  - just text
  - Action: Created
    Entity: TestPolicy
    Description: [a]
    Schema: {}
""")
    with pytest.raises(TopicDefinitionError) as caught:
        TopicTable.read(file)
    assert str(caught.value) == (
        f"{file} has 9 mistakes:\n"
        "  line 3: Action is 'created'; give one past-tense word such as Created\n"
        "  line 6: Action is missing; give one past-tense word such as Created\n"
        '  line 10: Schema of testing.TestCreated is not valid JSON Schema: at /type: "objekt" is not a type of JSON '
        "Schema; give one of array, boolean, integer, null (in quotes), number, object and string, or a list of them\n"
        "  line 11: testing.TestCreated is defined twice (line 8); remove one\n"
        "  line 14: testing.TestCreated is defined twice (line 8); remove one\n"
        "  line 19: Category is a number; give one lower-case word such as policies\n"
        "  line 20: Schema is text; give the JSON Schema of the event's data\n"
        "  line 21: topic 7 is text; give a mapping with Action, Entity and Schema\n"
        "  line 24: Description is a list; give text"
    )


def test_cloudformation_tags_and_unknown_keys_are_kept_as_plain_values():
    table = read("""\
DefaultCategory: testing
Account: !Ref AWS::AccountId
Topics:
  - Action: Created
    Entity: Test
    Retention: !If [IsProd, {Days: 90}, !Sub "${Days}"]
    Queue: !GetAtt Queue.Arn
    Tags: !Join {a: [b]}
    Schema: {type: object}
""")
    definition = table["testing.TestCreated"].definition
    assert definition["Retention"] == ["IsProd", {"Days": 90}, "${Days}"]
    assert (definition["Queue"], definition["Tags"]) == ("Queue.Arn", {"a": ["b"]})


def test_definitions_may_be_a_path_an_open_file_or_a_mapping(tmp_path):
    text = ONE % "{type: object}"
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    with file.open("rb") as binary, file.open() as textual:
        sources = [file, str(file), binary, textual, yaml.safe_load(text), MappingProxyType(yaml.safe_load(text))]
        assert [[topic.name for topic in TopicTable.read(source).values()] for source in sources] == [
            ["testing.TestCreated"]
        ] * 6


def test_a_mistake_in_a_mapping_has_no_line():
    with pytest.raises(
        TopicDefinitionError, match=r"the document of topic definitions has 2 mistakes:\n  Action is empty; .*\n  E"
    ):
        TopicTable.read({"DefaultCategory": "testing", "Topics": [{"Action": None, "Schema": True}]})


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("", "the document is empty; give a mapping with DefaultCategory and Topics"),
        ("- a", "the document is a list; give a mapping with DefaultCategory and Topics"),
        ("true", "the document is a boolean; give a mapping with DefaultCategory and Topics"),
        ("DefaultCategory: a", "Topics is missing; give a list of topics"),
        ("DefaultCategory: a\nTopics: {a: b}", "Topics is a mapping; give a list of topics"),
        ("DefaultCategory: a\nTopics: abc", "Topics is text; give a list of topics"),
        ("DefaultCategory: a\nTopics: !!binary aGVsbG8=", "Topics is a bytes; give a list of topics"),
    ],
)
def test_a_document_of_another_shape_is_told_what_it_should_be(document, told):
    assert only_problem(document)[1] == told


def test_what_cannot_be_read_at_all_is_a_definition_error_with_a_remedy(tmp_path):
    closed = (tmp_path / "closed.yaml").open("w+")
    closed.close()
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: \xe9")
    with latin.open(encoding="utf-8") as not_utf8:
        for source in (tmp_path / "absent.yaml", tmp_path, "nul\0", closed, not_utf8, None, 3):
            with pytest.raises(
                TopicDefinitionError, match=r"it cannot be read \(.*\); give the YAML file that defines"
            ):
                TopicTable.read(source)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("{minProperties: -1}", "at /minProperties: -1 is less than the minimum of 0"),
        ("{properties: {a: {pattern: '('}}}", 'at /properties/a/pattern: "(" is not a "regex"'),
        ("{$ref: '#/nope'}", "at /$ref: #/nope does not exist in this schema; correct it"),
        ("{$ref: 'https://example.com/x'}", "https://example.com/x is outside this file; inline it under definitions"),
        ("{$ref: 'file:///etc/passwd'}", "file:///etc/passwd is outside this file; inline it under definitions"),
        ("{$schema: 'https://example.com/x'}", "at its root: Unknown meta-schema: 'https://example.com/x'"),
        ("{properties: {on: {}}}", "at /properties: the key True is a bool; quote it to make it text"),
        ("{allOf: [{properties: {1: {}}}]}", "at /allOf/0/properties: the key 1 is an int; quote it to make it text"),
        ("{default: !!set {a}}", "at /default: a set is not a JSON value; write it as one"),
    ],
)
def test_a_schema_that_is_none_is_told_with_the_place(schema, told):
    """Also one that would have to be fetched: nothing is, from anywhere."""
    line, message = only_problem(ONE % schema)
    assert line == 5
    assert message.startswith("Schema of testing.TestCreated is not valid JSON Schema: ")
    assert told in message


def test_each_topic_without_any_category_is_told():
    text = "Topics:\n  - {Action: Created, Entity: A, Schema: {}}\n  - {Action: Created, Entity: B, Schema: {}}\n"
    told = "Category is missing and the file has no DefaultCategory; give either"
    assert problems(text.replace(": A", ": Aa").replace(": B", ": Bb")) == [(2, told), (3, told)]


def test_a_default_category_that_is_a_mistake_is_told_once():
    (found,) = problems((ONE % "{}").replace("testing", "Testing"))
    assert found == (1, "DefaultCategory is 'Testing'; give one lower-case word such as policies")


@pytest.mark.parametrize(("entity", "action"), [("Session", "Current"), ("Id", "Job"), ("Context", "User")])
def test_a_topic_whose_magic_name_is_one_of_the_librarys_is_refused(entity, action):
    text = (ONE % "{}").replace("Created", action).replace("Test", entity)
    line, message = only_problem(text)
    assert line == 3
    assert message.endswith("a name of the library itself; rename it")


def test_every_name_that_looks_like_a_magic_call_and_is_taken_is_reserved():
    """The names are those of a fresh module, because magic calls of other tests leave publishers in the usual one."""
    spec = importlib.util.spec_from_file_location("bc_events._fresh", events.__file__)
    unused = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unused)
    names = {name for name in (*vars(unused), *dir(EventSession)) if re.fullmatch("[a-z]+(_[a-z]+)+", name)}
    assert names - RESERVED_NAMES == set()


def test_two_topics_of_one_category_that_one_magic_name_would_fit_are_a_mistake():
    text = """\
DefaultCategory: testing
Topics:
  - {Action: Created, Entity: TestPolicy, Schema: {}}
  - {Action: Policy, Entity: CreatedTest, Schema: {}}
"""
    told = "created_test_policy would mean both testing.TestPolicyCreated (line 3) and testing.CreatedTestPolicy"
    assert only_problem(text) == (4, f"{told}; rename one")
    assert len(read(text.replace("Entity: Cre", "Category: other, Entity: Cre"))) == 2


def test_a_topic_and_a_table_can_be_pickled():
    table = pickle.loads(pickle.dumps(read(ONE % "{type: object, required: [id]}", show_values=True)))
    topic = table["testing.TestCreated"]
    assert topic.show_values
    assert table.resolve("created_test") is topic
    assert [violation.rule for violation in topic.violations({"a": 1})] == ["required"]


@pytest.mark.parametrize(
    ("rule", "place", "told"),
    [
        ("{type: string, enum: [SE, NO, DK]}", "enum/1", "false is not of type string"),
        ("{type: string, enum: [a, ~]}", "enum/1", "null is not of type string"),
        ("{type: string, const: yes}", "const", "true is not of type string"),
        ("{type: string, const: 2.50}", "const", "2.5 is not of type string"),
        ("{type: [integer, 'null'], enum: [1, on]}", "enum/1", "true is not of type integer or null"),
        ("{type: integer, enum: [1, 1.5]}", "enum/1", "1.5 is not of type integer"),
        ("{type: number, enum: [1, 1e3]}", "enum/1", '"1e3" is not of type number'),
        ("{type: integer, enum: [0o10]}", "enum/0", '"0o10" is not of type integer'),
        ("{type: string, enum: [12:30]}", "enum/0", "12:30 is read as the number 750"),
        ("{type: string, maxLength: 010}", "maxLength", "010 is read as the number 8"),
        ("{type: integer, maximum: 1_000}", "maximum", "1_000 is read as the number 1000"),
        ("{enum: [1, 010]}", "enum/1", "010 is read as the number 8"),
        ("{enum: [.nan]}", "enum/0", "nan is not a JSON number"),
        ("{type: number, maximum: .inf}", "maximum", "inf is not a JSON number"),
        ("{type: number, minimum: 1:30.5}", "minimum", "1:30.5 is read as the number 90.5"),
        ('{type: string, enum: !Split [",", "eu,us"]}', "enum", "CloudFormation makes this (!Split)"),
        ("{type: string, enum: [!Ref Env, b]}", "enum/0", "CloudFormation makes this (!Ref)"),
        ("{type: string, enum: ['a', {Ref: Env}]}", "enum/1", "CloudFormation makes this (Ref)"),
        ("{type: string, pattern: !Sub '^${Env}$'}", "pattern", "CloudFormation makes this (!Sub)"),
        ("{maxLength: !FindInMap [A, B, C]}", "maxLength", "CloudFormation makes this (!FindInMap)"),
        ("{'Fn::If': [IsProd, {type: string}, true]}", "", "CloudFormation makes this (Fn::If)"),
        ("!If [IsProd, {type: string}, true]", "", "CloudFormation makes this (!If)"),
        ("{anyOf: [!Ref Part]}", "anyOf/0", "CloudFormation makes this (!Ref)"),
    ],
)
def test_a_value_of_a_schema_that_is_not_what_the_file_shows_is_a_mistake(rule, place, told):
    """No event could meet it as it was meant."""
    found = problems(of_property(rule))
    assert {line for line, _ in found} == {8}
    path = f"/properties/v/{place}".rstrip("/")
    assert any(f"at {path}: {told}" in message for _, message in found)


@pytest.mark.parametrize(
    "rule",
    [
        "{type: boolean, enum: [yes, no]}",
        "{type: [string, 'null'], enum: [a, null]}",
        "{type: integer, enum: [0, -1, 2.0, 0x10]}",
        "{type: number, enum: [1, .5, 1.0e+3]}",
        "{enum: [1, on, a]}",
        "{type: object, const: {a: 1}}",
        "{type: array, enum: [[1]]}",
        "{type: string, default: no, examples: [NO, 010, 12:30]}",
        "{type: string, x-retention: 010, x-owner: !Ref Owner}",
        "{type: object, properties: {Ref: {type: string}}}",
        "{type: object, properties: {enum: {type: string}, type: {enum: [a]}}}",
    ],
)
def test_a_schema_that_means_what_the_file_shows_is_read(rule):
    assert len(read(of_property(rule))) == 1


@pytest.mark.parametrize(
    "text",
    ['!Join [" ", [a, b]]', '!Sub ["A ${S}", {S: !Ref Stage}]', "!GetAtt [Test, Text]", '{"Fn::Sub": "A ${S}"}'],
)
def test_text_for_people_may_be_made_by_cloudformation(text):
    """Of a topic, and within its schema."""
    table = read(
        ONE % f"{{type: object, title: {text}, properties: {{v: {{description: {text}}}}}}}"
        + f"    Description: {text}\n"
    )
    topic = table["testing.TestCreated"]
    assert re.fullmatch(r"\(made by CloudFormation: (!\w+|Fn::Sub)\)", topic.description)
    assert topic.schema["title"] == topic.schema["properties"]["v"]["description"] == topic.description
    assert type(topic.description) is str
    assert topic.freeze({"v": 1})


@pytest.mark.parametrize("key", ["Action", "Entity", "Category"])
def test_a_name_that_cloudformation_makes_is_a_mistake(key):
    """It would be the text behind the tag."""
    text = (ONE % "{}").replace("Created", "!Ref Created" if key == "Action" else "Created")
    text = text.replace("Entity: Test", "Entity: !Sub Test" if key == "Entity" else "Entity: Test")
    text += "    Category: !Ref other\n" if key == "Category" else ""
    assert f"{key} is made by CloudFormation (!" in only_problem(text)[1]


def test_every_mistake_of_every_schema_is_told_also_of_topics_with_other_mistakes():
    text = """\
DefaultCategory: Claims
Topics:
  - Action: closed
    Entity: Claim
    Schema:
      type: thing
      required: id
      properties:
        n: {minimum: none}
        m: {type: string, enum: [NO]}
  - {Action: Closed, Entity: Claim, Schema: {type: thing}}
  - {Action: Closed, Entity: Claim, Schema: true}
"""
    assert [line for line, _ in problems(text)] == [1, 3, 6, 7, 9, 10, 11, 12]


def test_a_list_under_items_says_what_to_declare():
    """Before 2020-12 it gave each place its schema."""
    pair = "{type: array, items: [{type: string}, {type: integer}]}"
    assert '"$schema": "http://json-schema.org/draft-04/schema#"' in only_problem(of_property(pair))[1]
    declared = f"{{$schema: 'http://json-schema.org/draft-07/schema#', properties: {{v: {pair}}}}}"
    topic = read(ONE % declared)["testing.TestCreated"]
    assert topic.violations({"v": ["a", 1]}) == ()
    assert topic.violations({"v": ["a", "b"]}) != ()


def test_what_a_mistake_shows_of_the_file_is_escaped_and_cut():
    control = '"\\e[2J\\n' + "x" * 2_000 + '"'
    texts = [
        ONE % f"{{properties: {{{control}: {{type: thing}}}}}}",
        ONE % f"{{type: integer, enum: [{control}]}}",
        (ONE % "{}").replace("Created", control),
        (ONE % "{}") + f"    ? {control}\n    : 1\n    ? {control}\n    : 2\n",
    ]
    for text in texts:
        for _, message in problems(text):
            assert message.isprintable()
            assert len(message) < 1_000
