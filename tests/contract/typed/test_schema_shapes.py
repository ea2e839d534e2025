"""A shape takes every value that its schema allows, and says of it what types can say."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events.contract.typed.schema_shapes import SchemaShapes
from bc_events.contract.typed.shape import ObjectShape
from bc_events.contract.typed.type_text import TypeText

from .schemas import fits, schemas
from .values import valid_values


def typed(schema, root=None):
    """The type of one key whose schema this is."""
    around = {"type": "object", "properties": {"key": schema}, **(root or {})}
    shape = SchemaShapes(around, "Made").root
    assert isinstance(shape, ObjectShape)
    return Typed().of(shape.keys["key"].shape)


class Typed(TypeText):
    """Types in which an object shows its keys, the required ones with a star."""

    def __init__(self):
        super().__init__({})

    def of(self, shape, *, is_folded=False):
        if not isinstance(shape, ObjectShape):
            return super().of(shape, is_folded=is_folded)
        keys = (f"{name}{'*' * key.is_required}: {self.of(key.shape)}" for name, key in shape.keys.items())
        return f"{{{', '.join(keys)}}}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data(), schemas())
def test_a_shape_takes_each_value_that_its_schema_allows(data, schema):
    value = data.draw(valid_values(schema))
    assert fits(SchemaShapes(schema, "Made").root, value)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "str"),
        ({"type": "string", "format": "uuid"}, "str | UUID"),
        ({"type": "string", "format": "date-time"}, "str | datetime"),
        ({"type": "string", "format": "date"}, "str | date"),
        ({"type": "string", "format": "uri"}, "str"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float | Decimal"),
        ({"type": ["integer", "number"]}, "float | Decimal"),
        ({"type": ["null", "string"]}, "str | None"),
        ({}, "Any"),
        (True, "Any"),
        ({"enum": ["a", 1, True, None]}, 'Literal["a", 1, True, None]'),
        ({"enum": ["a", 1, None], "type": "string"}, 'Literal["a"]'),
        ({"enum": ["a", "b"], "allOf": [{"enum": ["b", "c"]}]}, 'Literal["b"]'),
        ({"const": "a"}, 'Literal["a"]'),
        ({"enum": [1.5, 2]}, "Any"),  # a Literal has no floats
        ({"type": "array"}, "list[Any]"),
        ({"type": "array", "items": {"type": "string"}}, "list[str]"),
        ({"type": "array", "items": {"type": "integer"}}, "Sequence[int]"),
        ({"type": "array", "items": {"enum": ["a"]}}, 'Sequence[Literal["a"]]'),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
            "tuple[str, int] | list[str | int]",
        ),
        ({"type": "object"}, "Mapping[str, Any]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Mapping[str, int]"),
        ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, "Mapping[str, int]"),
        ({"type": "object", "required": ["a"]}, "{a*: Any}"),
        ({"properties": {"a": {"type": "string"}}}, "{a: str}"),
        ({"properties": {"a": False, "b": True}}, "{b: Any}"),
        (
            {"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
            "{a: str} | Mapping[str, Any]",
        ),
        ({"oneOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]}, "str | int | None"),
        ({"type": "string", "anyOf": [{"minLength": 3}, {"pattern": "x"}]}, "str"),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            "{a*: str, b: str} | {a: str, b*: str}",
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"enum": ["x", 1]}}}]},
            '{a: Literal["x"]}',
        ),
    ],
    ids=str,
)
def test_the_type_of_a_schema(schema, expected):
    assert typed(schema) == expected


def test_a_key_that_no_value_satisfies_is_left_out_unless_it_is_required():
    never = {"allOf": [{"type": "string"}, {"type": "integer"}]}
    assert typed({"properties": {"a": never, "b": True}}) == "{b: Any}"
    assert typed({"properties": {"a": never}, "required": ["a"]}) == "{a*: Never}"


def test_a_reference_alone_counts_in_draft_7_and_with_its_neighbours_later():
    schema = {"$ref": "#/definitions/id", "enum": ["a"]}
    definitions = {"definitions": {"id": {"type": "string"}}}
    assert typed(schema, {**definitions, "$schema": "http://json-schema.org/draft-07/schema#"}) == "str"
    assert typed(schema, definitions) == 'Literal["a"]'


def test_a_made_may_contain_itself():
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
    root = SchemaShapes(tree, "Tree").root
    assert isinstance(root, ObjectShape)
    assert root.keys["children"].shape.item is root


def test_what_contains_itself_without_a_made_is_anything_there():
    assert typed(
        {"$ref": "#/$defs/list"}, {"$defs": {"list": {"type": "array", "items": {"$ref": "#/$defs/list"}}}}
    ) == ("list[Any]")
    assert typed({"$ref": "#/$defs/a"}, {"$defs": {"a": {"$ref": "#/$defs/a"}}}) == "Any"


def test_choices_that_would_multiply_are_not_told_apart():
    choice = {"anyOf": [{"required": [f"k{n}"]} for n in range(9)]}
    schema = {"type": "object", "allOf": [choice, {"anyOf": [{"required": [f"m{n}"]} for n in range(9)]}]}
    assert typed(schema).count("{") <= 64
