"""Random JSON Schemas, of the kind that people write for events, and whether a value fits a shape."""

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from bc_events.contract.typed.shape import (
    ListShape,
    LiteralShape,
    MapShape,
    NamedShape,
    ObjectShape,
    TupleShape,
    UnionShape,
)

WORDS = ("id", "name", "class", "Policy", "lines", "str", "date", "total sum", "__typename", "straße")
FORMATS = ("uuid", "date-time", "date", "uri", "email")
CLASSES = {
    "str": str,
    "int": int,
    "float": (int, float),
    "Decimal": Decimal,
    "bool": bool,
    "None": type(None),
    "UUID": UUID,
    "datetime": datetime,
    "date": date,
    "time": time,
}

words = st.sampled_from(WORDS)
texts = st.fixed_dictionaries({"type": st.just("string")}, optional={"format": st.sampled_from(FORMATS)})
simple = st.sampled_from(["integer", "number", "boolean", "null"]).map(lambda kind: {"type": kind})
enums = st.lists(
    st.sampled_from(["a", "b", 'it\'s "c"', "back\\slash", 1, 2, True, None]), min_size=1, max_size=4, unique_by=repr
).map(lambda values: {"enum": values})
nullable = st.sampled_from(["string", "integer", "boolean"]).map(lambda kind: {"type": [kind, "null"]})
references = st.sampled_from([{"$ref": "#/$defs/leaf"}, {"$ref": "#/$defs/tree"}])


@st.composite
def objects(draw, parts):
    properties = draw(st.dictionaries(words, parts, min_size=1, max_size=3))
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
    if required:
        schema["required"] = required
    if draw(st.booleans()):
        schema["title"] = draw(st.sampled_from(["Address", "line item", "123", "class"]))
    if draw(st.booleans()):
        schema["description"] = draw(st.sampled_from(['Said "so".', 'ends in "', "back\\slash", '"""', "two\nlines"]))
    return schema


def _around(parts):
    return st.one_of(
        objects(parts),
        parts.map(lambda item: {"type": "array", "items": item, "maxItems": 3}),
        parts.map(lambda value: {"type": "object", "additionalProperties": value}),
        st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.lists(parts, min_size=2, max_size=2).map(
            lambda items: {"type": "array", "prefixItems": items, "items": False, "minItems": 2}
        ),
        parts.map(lambda part: {"allOf": [part, {"description": "both"}]}),
    )


parts = st.recursive(st.one_of(texts, simple, enums, nullable, references), _around, max_leaves=8)


@st.composite
def schemas(draw):
    """The schema of an event's data: an object, with two definitions that it may refer to."""
    tree = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 1}},
    }
    return {**draw(objects(parts)), "$defs": {"leaf": draw(texts), "tree": tree}}


def fits(shape, value):
    """Whether a type checker, which knows no more than the shape, takes the value."""
    match shape:
        case NamedShape("Any"):
            return True
        case NamedShape("Never"):
            return False
        case NamedShape("int" | "float"):
            return isinstance(value, CLASSES[shape.name]) and not isinstance(value, bool)
        case NamedShape(name):
            return isinstance(value, CLASSES[name])
        case LiteralShape(values):
            return (type(value), value) in values
        case ListShape(item):
            return isinstance(value, list) and all(fits(item, one) for one in value)
        case TupleShape(items):
            return isinstance(value, list) and all(any(fits(item, one) for item in items) for one in value)
        case MapShape(of_value):
            return isinstance(value, dict) and all(fits(of_value, one) for one in value.values())
        case UnionShape(options):
            return any(fits(option, value) for option in options)
        case ObjectShape():
            return (
                isinstance(value, dict)
                and value.keys() <= shape.keys.keys()
                and all(name in value for name, key in shape.keys.items() if key.is_required)
                and all(fits(shape.keys[name].shape, one) for name, one in value.items())
            )
    raise TypeError(shape)
