"""Which objects are equal: those with the same keys, and equal objects within."""

from bc_events.contract.typed.equal_objects import groups_of_equals
from bc_events.contract.typed.schema_shapes import SchemaShapes

TEXT = {"type": "string"}


def groups(*schemas):
    """The names of all objects, equal ones together."""
    shapes = [SchemaShapes(schema, f"root {n}").root for n, schema in enumerate(schemas, 1)]
    return [[shape.names[0] for shape in group] for group in groups_of_equals(shapes)]


def keyed(properties, **more):
    return {"type": "object", "properties": properties, **more}


def test_objects_are_equal_if_their_keys_are_in_whatever_order():
    one, other = keyed({"a": TEXT, "b": TEXT}), keyed({"b": TEXT, "a": TEXT}, description="other words")
    assert groups(one, other) == [["root 1", "root 2"]]


def test_objects_differ_in_a_type_a_key_or_what_is_required():
    others = [keyed({"a": {"type": "integer"}}), keyed({"b": TEXT}), keyed({"a": TEXT}, required=["a"])]
    assert groups(keyed({"a": TEXT}), *others) == [["root 1"], ["root 2"], ["root 3"], ["root 4"]]


def test_objects_with_different_records_within_differ():
    one, other = keyed({"part": keyed({"a": TEXT})}), keyed({"part": keyed({"a": {"type": "null"}})})
    assert groups(one, other) == [["root 1"], ["root 1 part"], ["root 2"], ["root 2 part"]]


def test_objects_that_contain_themselves_are_equal_to_their_like():
    tree = keyed({"children": {"type": "array", "items": {"$ref": "#"}}})
    unrolled = keyed({"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}})
    unrolled["$defs"] = {"tree": keyed({"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}})}
    assert groups(tree, unrolled) == [["root 1", "root 2", "tree"]]
