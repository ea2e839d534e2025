"""Random changes of JSON Schemas, one step at a time, as people make them."""

import copy

from bc_events.contract.subschemas import subschemas

TYPES = ["string", "integer", "number", "boolean", "null", "object", "array"]
FORMATS = ["uuid", "date-time", "date", "uri", "email"]


def changed(schema, rng):
    """A copy of a schema with one change at a random place, and the name of the change."""
    for _ in range(100):
        made = copy.deepcopy(schema)
        places = [part for _, part in subschemas(made)]
        change = rng.choice(CHANGES)
        if change(rng.choice(places), rng):
            return made, change.__name__
    return copy.deepcopy(schema), "nothing"


def _properties(part):
    found = part.get("properties")
    return found if isinstance(found, dict) and found else None


def add_key(part, rng):
    if not _properties(part):
        return False
    part["properties"] = {**part["properties"], f"new_{rng.randrange(9)}": simple(rng)}
    return True


def remove_key(part, rng):
    if not _properties(part):
        return False
    name = rng.choice(sorted(part["properties"]))
    part["properties"] = {key: value for key, value in part["properties"].items() if key != name}
    if rng.random() < 0.8 and name in part.get("required", []):
        part["required"] = [key for key in part["required"] if key != name]
    return True


def require_key(part, rng):
    if not _properties(part):
        return False
    part["required"] = sorted({*part.get("required", []), rng.choice(sorted(part["properties"]))})
    return True


def free_key(part, rng):
    if not part.get("required"):
        return False
    left = [name for name in part["required"] if name != rng.choice(part["required"])]
    part["required"] = left
    if not left:
        del part["required"]
    return True


def change_type(part, rng):
    if "type" not in part:
        return False
    said = part["type"] if isinstance(part["type"], list) else [part["type"]]
    part["type"] = rng.choice([[*said, other] for other in TYPES if other not in said] + [rng.choice(TYPES)])
    return True


def change_enum(part, rng):
    if not isinstance(part.get("enum"), list):
        if part.get("type") != "string":
            return False
        part["enum"] = ["a", "b"]
        return True
    if len(part["enum"]) > 1 and rng.random() < 0.5:
        part["enum"] = part["enum"][1:]
    else:
        part["enum"] = [*part["enum"], f"new {rng.randrange(9)}"]
    return True


def drop_enum(part, rng):
    return part.pop("enum", None) is not None


def change_format(part, rng):
    if part.get("type") != "string" or "enum" in part:
        return False
    if "format" in part and rng.random() < 0.5:
        del part["format"]
    else:
        part["format"] = rng.choice(FORMATS)
    return True


def change_limit(part, rng):
    name = rng.choice(["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "multipleOf"])
    kinds = {"Length": ("string",), "Items": ("array",)}.get(name[3:], ("integer", "number"))
    if part.get("type") not in kinds:
        return False
    if name in part and rng.random() < 0.3:
        del part[name]
    else:
        part[name] = rng.randrange(1, 6)
    return True


def change_pattern(part, rng):
    if part.get("type") != "string" or "enum" in part or "format" in part:
        return False
    if "pattern" in part:
        del part["pattern"]
    else:
        part["pattern"] = rng.choice(["^a", "^[0-9]+$", "^[A-Z]{2}-[0-9]{3}$"])
    return True


def open_or_close(part, rng):
    if not _properties(part):
        return False
    if "additionalProperties" in part:
        del part["additionalProperties"]
    else:
        part["additionalProperties"] = rng.choice([False, True, {"type": "string"}])
    return True


def make_nullable(part, rng):
    if not isinstance(part.get("type"), str) or part["type"] == "null" or "enum" in part:
        return False
    part["type"] = [part["type"], "null"]
    return True


def add_option(part, rng):
    for keyword in ("anyOf", "oneOf"):
        if isinstance(part.get(keyword), list):
            part[keyword] = [*part[keyword], simple(rng)]
            return True
    return False


def remove_option(part, rng):
    for keyword in ("anyOf", "oneOf"):
        if isinstance(part.get(keyword), list) and len(part[keyword]) > 1:
            part[keyword] = part[keyword][1:]
            return True
    return False


def change_words(part, rng):
    part["description"] = f"said anew {rng.randrange(99)}"
    return True


CHANGES = [
    *(add_key, remove_key, require_key, free_key, change_type, change_enum, drop_enum, change_format, change_limit),
    *(change_pattern, open_or_close, make_nullable, add_option, remove_option, change_words),
]


def simple(rng):
    return rng.choice(
        [
            {"type": "string"},
            {"type": "integer", "minimum": 1},
            {"type": ["string", "null"]},
            {"enum": ["a", "b"]},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "string", "format": "date-time"},
        ]
    )
