"""The verdict on a change of a schema, for a writer with one schema and a reader with another."""

import re
from pathlib import Path

import pytest

import bc_events
from bc_events.contract.diff.content_model import opened
from bc_events.contract.diff.verdict import verdict
from bc_events.topics.schemas import compile_schema


def keyed(schema, **more):
    return {"type": "object", "properties": {"a": schema}, **more}


def closed(schema, **more):
    return keyed(schema, additionalProperties=False, **more)


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
BREAKING = [
    ("type_changed", "/a", keyed(TEXT), keyed(WHOLE)),
    ("type_changed", "/a", keyed({"type": ["string", "null"]}), keyed(TEXT)),
    ("type_changed", "/a", keyed({"type": "number"}), keyed(WHOLE)),
    ("type_changed", "/a", keyed({}), keyed(TEXT)),
    (
        "type_changed",
        "/description",
        {"type": "object", "properties": {"description": TEXT}},
        {"type": "object", "properties": {"description": WHOLE}},
    ),
    ("required_attribute_added", "/a", keyed(TEXT), keyed(TEXT, required=["a"])),
    ("enum_array_narrowed", "/a", keyed({"enum": ["x", "y"]}), keyed({"enum": ["x"]})),
    ("enum_array_narrowed", "/a", keyed({"enum": [1, True]}), keyed({"enum": [1]})),
    ("enum_added", "/a", keyed(TEXT), keyed({"enum": ["x"]})),
    ("minimum_increased", "/a", keyed({"type": "number", "minimum": 0}), keyed({"type": "number", "minimum": 0.5})),
    (
        "minimum_increased",
        "/a",
        keyed({"type": "number", "minimum": 0}),
        keyed({"type": "number", "exclusiveMinimum": 0}),
    ),
    ("maximum_decreased", "/a", keyed(WHOLE), keyed({"type": "integer", "maximum": 7})),
    ("multiple_added", "/a", keyed({"type": "integer", "multipleOf": 2}), keyed({"type": "integer", "multipleOf": 4})),
    ("min_length_increased", "/a", keyed(TEXT), keyed({"type": "string", "minLength": 2})),
    (
        "max_length_decreased",
        "/a",
        keyed({"type": "string", "maxLength": 9}),
        keyed({"type": "string", "maxLength": 8}),
    ),
    ("pattern_added", "/a", keyed(TEXT), keyed({"type": "string", "pattern": "^[a-z]+$"})),
    ("format_added", "/a", keyed(TEXT), keyed({"type": "string", "format": "uuid"})),
    (
        "format_added",
        "/a",
        keyed({"type": "string", "format": "date"}),
        keyed({"type": "string", "format": "date-time"}),
    ),
    ("type_changed", "/a/0", keyed({"type": "array", "items": TEXT}), keyed({"type": "array", "items": WHOLE})),
    ("min_items_increased", "/a", keyed({"type": "array"}), keyed({"type": "array", "minItems": 1})),
    ("max_items_decreased", "/a", keyed({"type": "array"}), keyed({"type": "array", "maxItems": 3})),
    ("unique_items_added", "/a", keyed({"type": "array"}), keyed({"type": "array", "uniqueItems": True})),
    ("min_properties_increased", "", keyed(TEXT), keyed(TEXT, minProperties=1)),
    (
        "max_properties_decreased",
        "",
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "maxProperties": 1},
    ),
    ("property_removed", "/a", keyed(TEXT), {"type": "object", "properties": {"a": False}}),
    (
        "type_changed",
        "/*",
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": WHOLE},
    ),
    (
        "type_changed",
        "/a/a/a",
        {"$defs": {"one": keyed(keyed(TEXT))}, **keyed({"$ref": "#/$defs/one"})},
        keyed(keyed(keyed(WHOLE))),
    ),
    ("type_changed", "/a", keyed({"anyOf": [TEXT, WHOLE]}), keyed({"anyOf": [TEXT, {"type": "null"}]})),
    ("type_changed", "/a", keyed({"allOf": [TEXT, {"minLength": 1}]}), keyed({"allOf": [WHOLE]})),
]
COMPATIBLE = [
    ("a description", keyed(TEXT), keyed({**TEXT, "description": "new words", "examples": ["a"]})),
    ("a key more", keyed(TEXT), {"type": "object", "properties": {"a": TEXT, "b": WHOLE}}),
    ("a key less", {"type": "object", "properties": {"a": TEXT, "b": WHOLE}}, closed(TEXT)),
    ("a key more in a closed object", closed(TEXT), {**closed(TEXT), "properties": {"a": TEXT, "b": WHOLE}}),
    ("no longer required", keyed(TEXT, required=["a"]), keyed(TEXT)),
    ("a value more", keyed({"enum": ["x"]}), keyed({"enum": ["x", "y"]})),
    ("a value where a type is asked for", keyed({"enum": ["x"]}), keyed(TEXT)),
    ("a wider type", keyed(WHOLE), keyed({"type": "number"})),
    ("a few whole numbers", keyed({"type": "integer", "minimum": 1, "maximum": 3}), keyed({"enum": [1, 2, 3, 4]})),
    ("a wider limit", keyed({"type": "integer", "minimum": 3}), keyed({"type": "integer", "minimum": 2})),
    ("a multiple", keyed({"type": "integer", "multipleOf": 6}), keyed({"type": "integer", "multipleOf": 3})),
    (
        "a wider format",
        keyed({"type": "string", "format": "uri"}),
        keyed({"type": "string", "format": "uri-reference"}),
    ),
    ("an option more", keyed({"anyOf": [TEXT]}), keyed({"anyOf": [WHOLE, TEXT]})),
    ("another order", keyed({"enum": ["x", "y"]}), keyed({"enum": ["y", "x"]})),
    ("a reference for its target", keyed(TEXT), {"$defs": {"t": TEXT}, **keyed({"$ref": "#/$defs/t"})}),
    ("a tree", {"$ref": "#/$defs/t", "$defs": {"t": keyed({"$ref": "#/$defs/t"})}}, keyed(keyed(keyed({})))),
    ("the same condition", keyed({"not": {"const": 1}}), keyed({"not": {"const": 1}}, required=[])),
    ("what nobody can send", keyed({"type": "string", "enum": [1]}), keyed(False)),
    (
        "options that tell themselves apart",
        {"oneOf": [closed({"const": "x"}, required=["a"]), closed({"const": "y"}, required=["a"])]},
        {"oneOf": [closed({"const": "y"}, required=["a"]), closed({"const": "x"}, required=["a"])]},
    ),
]


@pytest.mark.parametrize(("rule", "path", "writer", "reader"), BREAKING, ids=lambda part: str(part)[:30])
@pytest.mark.parametrize("is_lenient", [True, False])
def test_a_break_is_shown_by_a_document(rule, path, writer, reader, is_lenient):
    judged = verdict(writer, reader, is_lenient=is_lenient)
    assert judged.status == "breaking"
    assert (rule, path) in {(one.rule, one.path) for one in judged.breaks}
    for one in judged.breaks:
        assert compile_schema(writer).is_valid(one.example)
        assert not compile_schema(reader).is_valid(one.example)


@pytest.mark.parametrize(("writer", "reader"), [case[1:] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE])
def test_what_breaks_nothing_is_compatible(writer, reader):
    assert verdict(writer, reader).status == "compatible"


def test_the_strict_model_takes_the_schemas_at_their_word():
    more = {"type": "object", "properties": {"a": TEXT, "b": WHOLE}}
    assert verdict(keyed(TEXT), more, is_lenient=False).breaks[0].path == "/b"
    assert verdict(more, closed(TEXT), is_lenient=False).breaks[0].rule == "property_removed"
    assert verdict(closed(TEXT), more, is_lenient=False).status == "compatible"


def test_a_condition_that_has_changed_is_tried_with_examples_and_else_undecided():
    writer = keyed({"enum": ["x", "y"]})
    condition = {"if": {"properties": {"a": {"const": "x"}}, "required": ["a"]}, "then": {"required": ["b"]}}
    judged = verdict(writer, {**writer, **condition})
    assert (judged.status, judged.breaks[0].rule) == ("breaking", "narrowed")
    harmless = {"if": {"properties": {"a": {"const": "z"}}, "required": ["a"]}, "then": {"required": ["b"]}}
    judged = verdict(writer, {**writer, **harmless})
    assert (judged.status, judged.reasons) == ("unknown", ("the data: if has changed, and is not taken apart",))


def test_breaks_in_several_options_at_once_are_found():
    writer = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]}
    options = [{"properties": {"a": {"maxLength": 2}}}, {"properties": {"b": {"maxLength": 2}}}]
    judged = verdict(writer, {**writer, "anyOf": options})
    assert judged.status == "breaking"
    assert all(len(value) > 2 for value in judged.breaks[0].example.values())


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_a_break_in_one_of_very_many_options_is_found(keyword):
    options = [keyed({"const": number}, required=["a"]) for number in range(70)]
    judged = verdict({keyword: options}, {"type": "object", "properties": {"a": {"maximum": 68}}})
    assert judged.status == "breaking"
    assert judged.breaks[0].example["a"] == 69
    assert verdict({keyword: options}, {keyword: options, "description": "the same"}).status == "compatible"
    assert verdict({keyword: options}, {keyword: options[:69]}).status != "compatible"


def test_opened_schemas_refuse_no_unknown_key_and_keep_their_places():
    schema = {"oneOf": [closed(TEXT)], "not": closed(TEXT), "$defs": {"part": closed(TEXT)}, "enum": [closed(1)]}
    assert opened(schema) == {
        "anyOf": [keyed(TEXT)],
        "not": closed(TEXT),
        "$defs": {"part": keyed(TEXT)},
        "enum": [closed(1)],
    }


def test_every_rule_is_in_the_reference():
    root = Path(bc_events.__file__).parent
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (root / "contract" / "diff").glob("*.py"))
    rules = set(re.findall(r'(?:Breakage|Break|TopicChange)\([^)"]*"([a-z_]+)"(?:, "([a-z_]+)")?', sources))
    named = {name for pair in rules for name in pair if "_" in name or name in ("narrowed", "undecided")}
    page = (root.parent / "docs" / "reference" / "compatibility.md").read_text(encoding="utf-8")
    assert len(named) > 15
    assert [name for name in sorted(named) if f"`{name}`" not in page] == []
