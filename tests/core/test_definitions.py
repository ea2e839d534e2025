"""Topic-definitions files: what may stand in one, and how every mistake in one is told."""

import io
import pickle
from types import MappingProxyType

import pytest
import yaml

from bc_events import TopicDefinitionError, TopicTable

ONE = """\
DefaultCategory: testing
Topics:
  - Action: Created
    Entity: Test
    Schema: %s
"""


def read(text, **options):
    return TopicTable.read(io.StringIO(text), **options)


def problems(text):
    with pytest.raises(TopicDefinitionError) as caught:
        read(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def only_problem(text):
    (found,) = problems(text)
    return found


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
        f"{file} has 8 mistakes:\n"
        "  line 3: Action is 'created'; give one past-tense word such as Created\n"
        "  line 6: Action is missing; give one past-tense word such as Created\n"
        "  line 10: Schema of testing.TestCreated is not valid JSON Schema: at /type: 'objekt' is not valid under any "
        "of the schemas listed in the 'anyOf' keyword\n"
        "  line 14: testing.TestCreated is defined twice (line 11); remove one\n"
        "  line 19: Category is a number; give one lower-case word such as policies\n"
        "  line 20: Schema is text; give the JSON Schema of the event's data\n"
        "  line 21: topic 7 is text; give a mapping with Action, Entity and Schema\n"
        "  line 24: Description is a list; give text"
    )


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir [%s]", "!!python/name:os.mkdir", "!!python/module:os"])
def test_a_file_that_tries_to_execute_code_is_refused_and_executes_nothing(tmp_path, tag):
    target = tmp_path / "made"
    line, message = only_problem(ONE % (tag % target if "%s" in tag else tag))
    assert (line, target.exists()) == (5, False)
    assert "could not determine a constructor for the tag 'tag:yaml.org,2002:python/" in message


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
        TopicDefinitionError, match=r"the topic definitions has 2 mistakes:\n  Action is empty; .*\n  E"
    ):
        TopicTable.read({"DefaultCategory": "testing", "Topics": [{"Action": None, "Schema": True}]})


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("", "the document is a mapping with DefaultCategory and Topics, not empty"),
        ("- a", "the document is a mapping with DefaultCategory and Topics, not a list"),
        ("true", "the document is a mapping with DefaultCategory and Topics, not a boolean"),
        ("DefaultCategory: a", "Topics is missing; give a list of topics"),
        ("DefaultCategory: a\nTopics: {a: b}", "Topics is a mapping; give a list of topics"),
        ("DefaultCategory: a\nTopics: abc", "Topics is text; give a list of topics"),
        ("DefaultCategory: a\nTopics: !!binary aGVsbG8=", "Topics is a bytes; give a list of topics"),
    ],
)
def test_a_document_of_another_shape_is_told_what_it_should_be(document, told):
    assert only_problem(document)[1] == told


@pytest.mark.parametrize("text", ["a: [", "a:\n\t- b", "a: 1\n---\nb: 2", "? [a]\n: b", "a: *nowhere", "a: !!bool x"])
def test_what_is_not_yaml_is_told_as_such(text):
    assert only_problem(text)[1].startswith("not YAML that can be read")


@pytest.mark.parametrize("source", [b"\xff\xfe\x00", b"DefaultCategory: \xff"])
def test_bytes_that_are_no_text_are_told_as_such(source):
    with pytest.raises(TopicDefinitionError, match="not YAML that can be read"):
        TopicTable.read(io.BytesIO(source))


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
    "text",
    [
        ONE % "&a {type: object, properties: {x: *a}}",
        ONE % "{allOf: &a [*a]}",
        "&d\nDefaultCategory: testing\nTopics: [*d]\n",
        "DefaultCategory: testing\nTopics: &x [*x]\n",
        ONE % ("{not: " * 150 + "true" + "}" * 150 + " "),
        ONE % ("[" * 5_000 + "]" * 5_000),
        ONE % ("{a: " * 100_000 + "1" + "}" * 100_000),
        "Topics: " + "[" * 100_000,
    ],
    ids=["schema", "list", "document", "topics", "150", "5,000", "100,000", "unclosed"],
)
def test_what_contains_itself_or_nests_too_deeply_is_told_and_crashes_nothing(text):
    """The C parser would overflow the stack of the process."""
    found = problems(text) if "not" not in text else read(text)
    assert found


def test_a_mapping_that_contains_itself_is_told():
    schema = {"type": "object"}
    schema["properties"] = {"again": schema}
    with pytest.raises(
        TopicDefinitionError, match=r"Schema of testing.TestCreated is not valid JSON Schema: Recursion"
    ):
        TopicTable.read(
            {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": schema}]}
        )


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("{minProperties: -1}", "at /minProperties: -1 is less than the minimum of 0"),
        ("{properties: {a: {pattern: '('}}}", "at /properties/a/pattern: '(' is not a \"regex\""),
        ("{$ref: '#/nope'}", "at its root: Pointer '/nope' does not exist"),
        ("{$ref: 'https://example.com/x'}", "https://example.com/x is outside this file; inline it under definitions"),
        ("{$ref: 'file:///etc/passwd'}", "file:///etc/passwd is outside this file; inline it under definitions"),
        ("{$schema: 'https://example.com/x'}", "at its root: Unknown meta-schema: 'https://example.com/x'"),
        ("{properties: {on: {}}}", "at /properties: the key True is a bool; quote it to make it text"),
        ("{allOf: [{properties: {1: {}}}]}", "at /allOf/0/properties: the key 1 is a int; quote it to make it text"),
        ("{default: !!set {a}}", "Unsupported type: 'set'"),
    ],
)
def test_a_schema_that_is_none_is_told_with_the_place(schema, told):
    """Also one that would have to be fetched: nothing is, from anywhere."""
    line, message = only_problem(ONE % schema)
    assert line == 5
    assert message.startswith("Schema of testing.TestCreated is not valid JSON Schema: ")
    assert told in message


def test_dates_in_a_file_stay_text():
    assert read(ONE % "{const: 2020-01-01}")["testing.TestCreated"].schema == {"const": "2020-01-01"}


def test_a_key_given_twice_is_told_where():
    text = "DefaultCategory: testing\nTopics: []\nDefaultCategory: other\n"
    assert problems(text) == [(3, "DefaultCategory is given twice; keep one")]
    text = ONE % "{}" + "    Entity: Other\n"
    assert problems(text) == [(6, "Entity is given twice; keep one")]


def test_a_merged_key_may_be_overridden():
    table = read("""\
DefaultCategory: testing
Topics:
  - &first {Action: Created, Entity: Test, Schema: {type: object}}
  - <<: *first
    Action: Updated
""")
    assert [topic.name for topic in table.values()] == ["testing.TestCreated", "testing.TestUpdated"]


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
