"""YAML in a definitions file: tags, keys given twice, merges, aliases and nesting."""

import io

import pytest
import yaml

from bc_events import TopicDefinitionError, TopicTable

from .reading import ONE, of_property, only_problem, problems, read


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.mkdir [%s]", "!!python/name:os.mkdir", "!!python/module:os"])
def test_a_file_that_tries_to_execute_code_is_refused_and_executes_nothing(tmp_path, tag):
    target = tmp_path / "made"
    line, message = only_problem(ONE % (tag % target if "%s" in tag else tag))
    assert (line, target.exists()) == (5, False)
    assert "could not determine a constructor for the tag 'tag:yaml.org,2002:python/" in message


@pytest.mark.parametrize("text", ["a: [", "a:\n\t- b", "a: 1\n---\nb: 2", "? [a]\n: b", "a: *nowhere", "a: !!bool x"])
def test_what_is_not_yaml_is_told_as_such(text):
    assert only_problem(text)[1].startswith("not YAML that can be read")


def test_a_missing_file_is_told_with_the_folder_where_it_was_looked_for(tmp_path, monkeypatch):
    """A relative path is right in one folder, and a service may be started in another."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TopicDefinitionError, match=rf"No such file or directory in the working directory {tmp_path}\)"):
        TopicTable.read("topics.yaml")


def test_a_tab_in_the_indentation_is_told():
    """YAML's own words, a character that cannot start any token, name no tab."""
    assert only_problem("Topics:\n\t- a") == (
        2,
        "not YAML that can be read: found character that cannot start any token; indent with spaces, not with a tab",
    )


def test_a_text_that_another_program_would_read_is_told_with_the_reason():
    text = ONE % "{}"
    several = "not YAML that can be read: expected a single document in the stream, but found another document"
    assert only_problem(f"{text}---\n{text}") == (6, several)
    with pytest.raises(TopicDefinitionError, match="invalid trailing UTF-8 octet; save the file as UTF-8 text"):
        TopicTable.read(io.BytesIO((ONE % "{title: é}").encode("latin-1")))
    for written in (text.encode("utf-8-sig"), text.encode("utf-16"), text.replace("\n", "\r\n").encode()):
        assert len(TopicTable.read(io.BytesIO(written))) == 1


@pytest.mark.parametrize("source", [b"\xff\xfe\x00", b"DefaultCategory: \xff"])
def test_bytes_that_are_no_text_are_told_as_such(source):
    with pytest.raises(TopicDefinitionError, match="not YAML that can be read"):
        TopicTable.read(io.BytesIO(source))


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
        TopicDefinitionError,
        match=r"Schema of testing.TestCreated is not valid JSON Schema: at its root: .*contains itself",
    ):
        TopicTable.read(
            {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": schema}]}
        )


def test_dates_in_a_file_stay_text():
    assert read(ONE % "{const: 2020-01-01}")["testing.TestCreated"].schema == {"const": "2020-01-01"}


def test_a_key_given_twice_is_told_where():
    text = "DefaultCategory: testing\nTopics: []\nDefaultCategory: other\n"
    assert problems(text) == [(3, "DefaultCategory is given twice; keep one")]
    text = ONE % "{}" + "    Entity: Other\n"
    assert problems(text) == [(6, "Entity is given twice; keep one")]


def test_a_quoted_key_of_two_angles_is_no_merge():
    text = ONE % "{type: object, properties: {'<<': {type: string}, %s<<%s: {type: integer}}}"
    for before, after in ("''", '""', ("!!str ", "")):
        assert only_problem(text % (before, after)) == (5, "<< is given twice; keep one")
    assert problems(ONE % "{properties: {&k '<<': {}, *k : {}}}") == [(5, "<< is given twice; keep one")]
    schema = read(ONE % "{properties: {'<<': {type: string}, <<: {a: {}}, <<: {b: {}}}}")["testing.TestCreated"].schema
    assert schema == {"properties": {"a": {}, "b": {}, "<<": {"type": "string"}}}


def test_the_first_of_many_mistakes_are_shown_and_the_others_counted():
    """A long list is read in a time that grows with its length, and no faster."""
    with pytest.raises(TopicDefinitionError) as caught:
        read(f"Text: &t {'x' * 100}\n" + ONE % f"{{type: integer, enum: [{', '.join(['*t'] * 20_000)}]}}")
    assert len(caught.value.problems) == 20_000
    assert str(caught.value).startswith("the document of topic definitions has 20000 mistakes:\n  line 1: ")
    assert str(caught.value).endswith("\n  and 19980 more")
    assert len(str(caught.value).splitlines()) == 22


def test_a_merged_key_may_be_overridden():
    table = read("""\
DefaultCategory: testing
Topics:
  - &first {Action: Created, Entity: Test, Schema: {type: object}}
  - <<: *first
    Action: Updated
""")
    assert [topic.name for topic in table.values()] == ["testing.TestCreated", "testing.TestUpdated"]


def test_a_key_given_twice_is_told_at_any_depth():
    text = of_property("{type: string}") + "        w: {a: 1, type: string, a: 2}\n        v: {type: integer}\n"
    assert problems(text) == [(9, "a is given twice; keep one"), (10, "v is given twice; keep one")]


def test_a_key_given_twice_is_told_where_it_is_an_alias():
    text = ONE % "{type: object, properties: {&k id: {type: string}, *k : {type: integer}}}"
    assert only_problem(text)[1] == "id is given twice; keep one"


@pytest.mark.parametrize("number", ["0b" + "1" * 20_000, "1" + ":00" * 2_500], ids=["binary", "sexagesimal"])
def test_a_number_that_python_does_not_write_is_told(number):
    found = problems(ONE % f"{{maxProperties: {number}}}")
    assert any("is read as a number of thousands of digits" in message for _, message in found)


def test_a_key_that_overrides_one_of_a_merged_mapping_is_not_given_twice():
    """Also where the merged mapping overrides one itself, and stands deeper in the file. Many may be merged."""
    table = read("""\
DefaultCategory: testing
Parts: {deep: [[[{<<: &base {type: object, minProperties: 1}, maxProperties: 9}, &mid {<<: *base, minProperties: 2}]]]}
Topics:
  - Action: Created
    Entity: Test
    Schema: {<<: *mid, <<: {title: A test}, minProperties: 3}
""")
    assert table["testing.TestCreated"].schema == {"type": "object", "minProperties": 3, "title": "A test"}


def aliases(levels, top):
    lines = ["a0: &a0 {type: string}"]
    for level in range(1, levels + 1):
        parts = ", ".join(f"p{n}: *a{level - 1}" for n in range(9))
        lines.append(f"a{level}: &a{level} {{type: object, properties: {{{parts}}}}}")
    return "\n".join(
        [*lines, "DefaultCategory: testing", "Topics:", f"- {{Action: Created, Entity: Test, Schema: {top}}}"]
    )


def test_aliases_that_multiply_are_refused_before_they_take_memory():
    """From a file, and from the mapping that it holds."""
    text = aliases(9, "*a9")
    assert only_problem(text) == (6, "not YAML that can be read: aliases make it too large; write fewer of them")
    with pytest.raises(TopicDefinitionError, match="more than 100,000 values, or contains itself"):
        TopicTable.read(yaml.safe_load(text))
    assert len(read(aliases(3, "*a3"))) == 1


def test_a_long_text_behind_many_aliases_is_refused_too():
    """jsonschema-rs would copy it at each place."""
    lines = [f"text: &t {'x' * 300_000}", *(f"p{n}: {{description: *t}}" for n in range(200))]
    assert "aliases make it too large" in only_problem("\n".join(lines))[1]


def test_merges_that_multiply_are_refused_too():
    """https://github.com/yaml/pyyaml/issues/897"""
    lines = ["m0: &m0 {a: b}", *(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: v}}" for n in range(1, 40))]
    assert "aliases make it too large" in only_problem("\n".join(lines))[1]


def test_a_part_that_many_topics_share_is_read():
    properties = ", ".join(f"p{n}: {{type: string}}" for n in range(50))
    words = [first + second for first in "abcdefghijklmno" for second in "abcdefghijklmnopqrst"]
    topics = [f"  - {{Action: Created, Entity: E{word}, Schema: *part}}" for word in words]
    shared = f"Part: &part {{type: object, properties: {{{properties}}}}}"
    assert len(read("\n".join(["DefaultCategory: testing", shared, "Topics:", *topics]))) == 300
