"""Random values that a JSON Schema allows. hypothesis-jsonschema does not run on the Hypothesis of today."""

import jsonschema_rs
from hypothesis import strategies as st

FORMATS = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes().map(lambda at: at.isoformat(timespec="seconds") + "Z"),
    "date": st.dates().map(str),
    "uri": st.sampled_from(["https://a.example/b", "urn:x:y"]),
    "email": st.sampled_from(["a@b.example"]),
}
KEYS = st.sampled_from(["k", "other", "id"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b"]),
    lambda part: st.lists(part, max_size=2) | st.dictionaries(KEYS, part, max_size=2),
    max_leaves=3,
)


def valid_values(schema, depth=4):
    """LiteralShape that the whole schema allows, as jsonschema-rs judges with formats asserted."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    return _of(schema, schema, depth).filter(validator.is_valid)


def _of(schema, root, depth):
    if isinstance(schema, bool) or not schema:
        return ANYTHING
    if "$ref" in schema and depth == 0:
        return st.just({})
    if "$ref" in schema:
        target = root
        for word in schema["$ref"].split("/")[1:]:
            target = target[word]
        return _of(target, root, depth - 1)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            around = {key: part for key, part in schema.items() if key != choice}
            return st.one_of([_of(_joined(around, option), root, depth) for option in schema[choice]])
    if "allOf" in schema:
        around = {key: part for key, part in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            around = _joined(around, part)
        return _of(around, root, depth)
    kinds = schema.get("type", "object" if "properties" in schema else [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([_of_type(kind, schema, root, depth) for kind in kinds]) if kinds else ANYTHING


def _joined(around, part):
    if not isinstance(part, dict):
        return around
    return (
        {**around, **part, "properties": {**around.get("properties", {}), **part.get("properties", {})}}
        if ("properties" in around or "properties" in part)
        else {**around, **part}
    )


def _of_type(kind, schema, root, depth):
    match kind:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", -9), schema.get("maximum", 9))
        case "number":
            return st.integers(-9, 9) | st.floats(-9, 9)
        case "string":
            return FORMATS.get(schema.get("format"), st.text("ab c", min_size=schema.get("minLength", 0), max_size=5))
        case "array":
            first = schema.get("prefixItems")
            if first is not None:
                return st.tuples(*(_of(item, root, depth) for item in first)).map(list)
            items = _of(schema.get("items", True), root, depth)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 2), 2))
    properties = {
        name: _of(part, root, depth) for name, part in schema.get("properties", {}).items() if part is not False
    }
    required = schema.get("required", ())
    known = st.fixed_dictionaries(
        {name: properties.get(name, ANYTHING) for name in required},
        optional={name: of for name, of in properties.items() if name not in required},
    )
    others = schema.get("additionalProperties", True)
    if others is False:
        return known
    more = st.dictionaries(KEYS.filter(lambda key: key not in properties), _of(others, root, depth), max_size=1)
    return st.tuples(more, known).map(lambda pair: {**pair[0], **pair[1]})
