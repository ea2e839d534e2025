"""No object of the caller's ends the process, however odd its class is."""

import subprocess
import sys

NASTY = """
import collections, dataclasses, datetime as dt, enum, random, sys, types, uuid
from decimal import Decimal
import orjson
from bc_events import InvalidEventError, Topic
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass

rng = random.Random(20)
READY = orjson.Fragment(b'{"a":')
METHODS = ["__str__", "__iter__", "__len__", "__getitem__", "__index__", "__int__", "__float__", "__eq__", "__hash__",
           "__bool__", "isoformat", "keys", "items", "utcoffset", "tzinfo", "value", "int", "__class__",
           "__getattribute__", "is_finite", "adjusted", "__mod__", "year", "__dataclass_fields__"]
BASES = [str, int, float, dict, list, tuple, dt.datetime, dt.date, dt.time, uuid.UUID, Decimal, object,
         collections.UserDict]

def fail(*_, **__):
    raise rng.choice([ValueError, RecursionError, TypeError, OverflowError, MemoryError, AttributeError, KeyError])("x")

def answer(depth):
    given = rng.choice([fail, None, float("nan"), "\\ud800", 10**400, b"x", [], dt.timedelta(days=3), READY])
    return given if given is fail else lambda *_, **__: given

def odd_class(depth):
    names = rng.sample(METHODS, rng.randrange(4))
    body = {name: property(answer(depth)) if rng.random() < 0.4 else answer(depth) for name in names}
    return type("Odd", (rng.choice(BASES),), body)

def odd(depth):
    try:
        kind = odd_class(depth)
        if issubclass(kind, dt.datetime):
            return kind(rng.choice([1, 2026, 9999]), 1, 1, tzinfo=zone(depth))
        if issubclass(kind, dt.date):
            return kind(2026, 1, 1)
        if issubclass(kind, uuid.UUID):
            return kind.__new__(kind)
        containers = (dict, list, tuple, collections.UserDict)
        return kind([("a", value(depth + 1))]) if issubclass(kind, containers) else kind()
    except Exception:
        return None

def zone(depth):
    return type("Zone", (dt.tzinfo,), {"utcoffset": answer(depth)})()

def member(depth):
    made = enum.Enum("Made", {"A": "a"}).A
    change = rng.randrange(5)
    made._value_ = [made, [made], {"a": made}, value(depth + 1), "a"][change]
    if rng.random() < 0.3:
        type(made).value = property(answer(depth))
    return made

def record(depth):
    kind = dataclasses.make_dataclass("Record", ["a", "b"])
    made = kind(value(depth + 1), None)
    made.b = rng.choice([made, value(depth + 1)])
    if rng.random() < 0.2:
        kind.a = property(answer(depth))
    return made

def nested(depth):
    part = 1
    for _ in range(rng.choice([200, 260, 100_000])):
        part = rng.choice([list, tuple])((part,))
    return part

def shared(depth):
    part = rng.choice([1, "x" * 1000])
    for _ in range(30):
        part = rng.choice([list, tuple])([part] * 2)
    return part

SCALARS = [1, "a", None, 1.5, Decimal("1.1"), Decimal("sNaN"), uuid.uuid4(), uuid.UUID.__new__(uuid.UUID), b"x", {1},
           READY, dt.datetime.now(dt.UTC), float("inf"), 10**30, "\\0", types.SimpleNamespace()]

def value(depth):
    kind = rng.random()
    if depth > 3 or kind < 0.2:
        return rng.choice(SCALARS)
    if kind < 0.21:
        return rng.choice([nested, shared])(depth)
    if kind < 0.4:
        return [value(depth + 1), value(depth + 1)]
    if kind < 0.5:
        return {rng.choice(["a", "b", 1, None]): value(depth + 1)}
    return rng.choice([odd, odd, member, record])(depth)

recursive = {"additionalProperties": {"$ref": "#"}, "items": {"$ref": "#"}, "format": "uuid"}
topics = [Topic("Created", "Test", "testing", schema) for schema in (True, recursive)]
for _ in range(400):
    topic = rng.choice(topics)
    try:
        orjson.loads(topic.freeze({"v": value(0)}) + b"}")
    except InvalidEventError:
        pass
print("lived")
"""


def test_no_object_of_the_callers_ends_the_process():
    """orjson and jsonschema-rs end it for some; the seed is fixed."""
    done = subprocess.run([sys.executable, "-c", NASTY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr[-500:]) == (0, "lived\n", "")
