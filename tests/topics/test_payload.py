"""An event's data: checked and frozen at the call, exactly or not at all."""

import collections
import copy
import dataclasses
import datetime as dt
import enum
import json
import math
import pickle
import sys
import types
import uuid
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from bc_events import InvalidEventError, Topic

ANY = Topic("Created", "Test", "testing", schema=True)


def frozen(data, schema=True):
    """The data's bytes, as they travel."""
    topic = Topic("Created", "Test", "testing", schema)
    return topic.freeze(data)[len(topic.head) :]


def violations(data, schema=True, *, show_values=False):
    topic = Topic("Created", "Test", "testing", schema, show_values=show_values)
    with pytest.raises(InvalidEventError) as caught:
        topic.freeze(data)
    return [(violation.path, violation.message) for violation in caught.value.violations]


def told(value):
    ((path, message),) = violations({"v": value})
    assert path == "/v"
    return message


class Colour(enum.Enum):
    RED = "red"
    NAN = math.nan
    PRICE = Decimal("1.10")


class Kind(str, enum.Enum):  # noqa: UP042  StrEnum would not be the case that matters
    HOME = "home"


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Real(float):
    pass


class Moment(dt.datetime):
    pass


class Day(dt.date):
    pass


class Identity(uuid.UUID):
    pass


@dataclasses.dataclass
class Premium:
    amount: object
    _net: object = 1

    def __post_init__(self):
        self.cached = "no field"


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024  a plain one is the case

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
numbers = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1E300"), max_value=Decimal("1E300"))
)
scalars = st.none() | st.booleans() | texts | numbers
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)


def unequal(sent, given):
    """None where both say the same, digit for digit; else the two."""
    match given:
        case dict():
            pairs = (
                [(sent[key], item) for key, item in given.items()] if sent.keys() == given.keys() else [(sent, None)]
            )
            return next((found for pair in pairs if (found := unequal(*pair))), None)
        case list():
            pairs = list(zip(sent, given, strict=True))
            return next((found for pair in pairs if (found := unequal(*pair))), None)
        case Decimal():
            return None if Decimal(sent).as_tuple() == given.as_tuple() else (sent, given)
        case float():
            return None if float(sent) == given else (sent, given)
    return None if (type(sent), sent) == (type(given), given) else (sent, given)


@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_what_is_sent_is_what_was_given_digit_for_digit(data):
    sent = json.loads(frozen(data), parse_float=Decimal, parse_int=lambda digits: Whole(digits))
    assert unequal(_plain(sent, data), data) is None


def _plain(sent, given):
    """Integers back from how they were parsed, so that a Decimal without a point is told from an int."""
    match sent, given:
        case dict(), dict():
            return {key: _plain(item, given.get(key)) for key, item in sent.items()}
        case list(), list():
            return [_plain(*pair) for pair in zip(sent, given, strict=True)]
        case Whole(), int() | float():
            return int(sent)
        case Whole(), Decimal():
            return Decimal("-0") if sent == 0 and given.is_signed() else Decimal(int(sent))
    return sent


poison = st.sampled_from(
    [
        *(math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("-sNaN"), Decimal("Infinity"), Decimal("1E+400")),
        *(2**64, -(2**63) - 1, "a\0b", "\ud800", "x\udfff", {1: 2}, {None: 1}, {"\0": 1}, {"\ud800": 1}, Colour.NAN),
        *(b"x", {1}, object(), Point(1, 2), 1j, dt.timedelta(1), Real("nan"), Whole(2**70), Premium(math.nan), int),
    ]
)


@given(st.dictionaries(texts, values, max_size=2), texts, st.lists(texts | st.integers(0, 0), max_size=3), poison)
def test_what_json_would_change_is_refused_at_any_depth_and_nothing_else_is(data, name, path, value):
    nested = value
    for step in reversed(path):
        nested = [nested] if step == 0 else {step: nested}
    data[name] = nested
    parts = [name, *path]
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    inside = "/amount" if isinstance(value, Premium) else ""
    ((found, _),) = violations(data)
    assert found == pointer + inside


def test_each_refusal_says_what_is_wrong_and_what_to_do():
    assert told(math.nan) == "is a float that is NaN or infinite; JSON has no such number"
    assert told(Decimal("sNaN")) == "is a Decimal that is NaN or infinite; JSON has no such number"
    assert told(Decimal("1E+400")).endswith("send it as a string")
    assert told(2**64) == "is an integer beyond 64 bits; send it as a string"
    assert told("a\0") == "contains a NUL character"
    assert told("\udc00") == "contains a lone surrogate, which is not Unicode text"
    assert told({Kind.HOME: 1}) == "a key is of type Kind, not a plain string; convert it with str()"
    assert told(Point(1, 2)) == "is a named tuple (Point), which could be an object or a list; convert it first"
    assert told({1, 2}) == "is a set, which has no JSON form; convert it first"
    assert told(dt.time(1, tzinfo=dt.UTC)).startswith("is a time with a time zone")
    assert told(Premium) == "is a type, which has no JSON form; convert it first"


def test_every_fault_is_told_not_just_the_first():
    assert [path for path, _ in violations({"a": math.nan, "b": ["\0", 2**70], "c/d~": {1: 2}})] == [
        "/a",
        "/b/0",
        "/b/1",
        "/c~1d~0",
    ]


def test_values_with_a_json_form_are_written_in_it():
    given_ = {
        "datetime": dt.datetime(2020, 1, 2, 3, 4, 5, 6, dt.UTC),
        "zone": dt.datetime(2020, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        "naive": dt.datetime(2020, 1, 2),  # noqa: DTZ001  what it becomes is the point
        "date": dt.date(2020, 1, 2),
        "time": dt.time(1, 2),
        "uuid": uuid.UUID(int=1),
        "decimal": Decimal("10.10"),
        "enum": Colour.RED,
        "decimal enum": Colour.PRICE,
        "text enum": Kind.HOME,
        "dataclass": Premium(Decimal("1.0")),
        "tuple": (1, None),
        "mapping": types.MappingProxyType({"a": collections.ChainMap({"b": collections.OrderedDict(c=1)})}),
        "subclasses": [Text("x"), Whole(1), Real(1.5)],
        "moment": Moment(2020, 1, 2, tzinfo=dt.UTC),
        "day": Day(2020, 1, 2),
        "identity": Identity(int=2),
    }
    assert json.loads(frozen(given_), parse_float=str) == {
        "datetime": "2020-01-02T03:04:05.000006+00:00",
        "zone": "2020-01-02T00:00:00+05:30",
        "naive": "2020-01-02T00:00:00",
        "date": "2020-01-02",
        "time": "01:02:00",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "decimal": "10.10",
        "enum": "red",
        "decimal enum": "1.10",
        "text enum": "home",
        "dataclass": {"amount": "1.0", "_net": 1},
        "tuple": [1, None],
        "mapping": {"a": {"b": {"c": 1}}},
        "subclasses": ["x", 1, "1.5"],
        "moment": "2020-01-02T00:00:00+00:00",
        "day": "2020-01-02",
        "identity": "00000000-0000-0000-0000-000000000002",
    }


def test_a_dataclass_is_its_fields_no_more_and_no_less():
    """orjson by itself would skip `_net` and send `cached`."""
    assert frozen({"v": Premium(1)}) == b'{"v":{"amount":1,"_net":1}}'
    assert frozen(Premium(1)) == b'{"amount":1,"_net":1}'


@pytest.mark.parametrize(
    "digits", ["0.10", "-0", "1E+5", "1E-400", "12345678901234567890.123456789012345678901", "100"]
)
def test_a_decimal_keeps_its_digits(digits):
    assert frozen({"v": Decimal(digits)}) == b'{"v":%s}' % digits.encode()


def test_the_largest_decimal_is_the_largest_that_readers_take():
    largest = Decimal(sys.float_info.max)
    assert Topic("Created", "Test", "testing", schema=True).violations({"v": largest}) == ()
    assert told(Decimal("1.8E+308"))


def test_a_null_or_an_escape_in_the_data_is_no_reason_to_refuse_it():
    data = {"none": None, "text": "null", "escapes": '\\u0000 \n "', "nested": [None, {"null": Premium(Kind.HOME)}]}
    assert json.loads(frozen(data))["escapes"] == data["escapes"]
    assert violations(data | {"v": Real("inf")}) == [
        ("/v", "is a float that is NaN or infinite; JSON has no such number")
    ]
    every = {"n": None, "v": [Decimal(1), uuid.uuid4(), dt.time(1), dt.date(2020, 1, 1), Colour.RED, Kind.HOME]}
    assert frozen(every)


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (None, "None"),
        ("text", "a str"),
        ([1], "a list; publish each item with a call of its own"),
        (3, "an int"),
        ([], "a list"),
        ("", "a str"),
    ],
)
def test_data_that_is_no_object_is_refused(data, given):
    assert violations(data) == [("", f"an event's data is an object (a mapping), not {given}")]


@pytest.mark.parametrize("data", [{}, types.MappingProxyType({})])
def test_data_without_a_property_is_refused(data):
    assert violations(data) == [("", "an event's data has at least one property")]


def test_data_that_contains_itself_is_refused_where_it_does():
    """Many ways lead round it, and each is walked once."""
    data = {"a": {"b": []}}
    for name in "cdefgh":
        data["a"][name] = data
    data["a"]["b"].append(data["a"])
    assert violations(data)[0] == ("/a/b/0", "contains itself")
    assert len(violations(data)) == 7


@pytest.mark.parametrize("nest", [dict, types.MappingProxyType, list, tuple])
def test_data_may_nest_200_levels_deep_and_no_more(nest):
    """Also under a schema that describes itself: without a limit jsonschema-rs would exhaust the stack."""
    schema = {"additionalProperties": {"$ref": "#"}, "items": {"$ref": "#"}}
    for levels in (200, 201, 20_000):
        data = 1
        for _ in range(levels):
            data = nest([data] if nest in (list, tuple) else {"v": data})
        if levels == 200:
            assert frozen({"v": data}, schema)
        else:
            assert [message for _, message in violations({"v": data}, schema)] == ["nests more than 200 levels deep"]


def test_a_key_object_that_fails_is_refused_not_raised():
    class Odd(collections.UserDict):
        def keys(self):
            raise RuntimeError("secret")

    ((path, message),) = violations({"v": Odd(a=1)})
    assert (path, message) == ("/v", "cannot be read (RuntimeError); convert it first")


amounts = st.decimals("-1000", "1000", allow_nan=False, places=2)
objects = st.fixed_dictionaries(
    {
        "v": amounts
        | st.integers(-9, 9)
        | st.sampled_from([Colour.RED, Colour.PRICE, Kind.HOME, None, "", Text("red"), (1,), (), Premium(1)])
    },
    optional={
        "w": st.sampled_from([dt.date(2020, 1, 1), uuid.UUID(int=1), Real(2.0), types.MappingProxyType({"a": 1})])
    },
)
schemas = st.sampled_from(
    [
        {"properties": {"v": rule, "w": other}}
        for rule in (
            *({"type": "integer"}, {"type": "number"}, {"multipleOf": 0.01}, {"multipleOf": 5}, {"minimum": 0}),
            *(
                {"enum": ["red", "home", 1.1]},
                {"type": "array", "minItems": 1},
                {"required": ["_net"]},
                {"const": None},
            ),
            *({"maxLength": 3}, {"exclusiveMaximum": 500.5}, {"not": {"type": "string"}}, {"uniqueItems": True}),
        )
        for other in (True, {"format": "date"}, {"format": "uuid", "type": "string"}, {"type": "number"})
    ]
)


@settings(max_examples=200)
@given(objects, schemas)
def test_what_is_sent_is_what_was_checked(data, schema):
    """Whatever Python objects the data was made of: the schema's answer is about the bytes that travel."""
    topic = Topic("Created", "Test", "testing", schema)
    broken_as_sent = topic.check.violations_as_sent(frozen(data))
    assert topic.violations(data) == broken_as_sent


@pytest.mark.parametrize(
    ("digits", "schema", "holds"),
    [
        ("19.99", {"multipleOf": 0.01}, True),
        ("19.999", {"multipleOf": 0.01}, False),
        ("1.0", {"type": "integer"}, True),
        ("1.5", {"type": "integer"}, False),
        ("-0", {"minimum": 0}, True),
        ("-0", {"exclusiveMinimum": 0}, False),
        ("1.10", {"const": 1.1}, True),
        ("12345678901234567890.12", {"multipleOf": 0.1}, False),
        ("10.00", {"enum": [10]}, True),
        ("1", {"type": "string"}, False),
    ],
)
def test_rules_about_numbers_hold_for_decimals_exactly(digits, schema, holds):
    topic = Topic("Created", "Test", "testing", {"properties": {"v": schema}})
    assert (topic.violations({"v": Decimal(digits)}) == ()) is holds


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("uuid", "12345678-1234-1234-1234-123456789012", "1234"),
        ("uri", "https://example.com/a", "not a uri"),
        ("date-time", "2020-01-01T00:00:00Z", "yesterday"),
        ("date", "2020-02-29", "2021-02-29"),
        ("email", "a@example.com", "a"),
    ],
)
@pytest.mark.parametrize(
    "draft", [None, "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema"]
)
def test_formats_are_asserted_in_every_draft(format_, good, bad, draft):
    schema = {"properties": {"v": {"format": format_}}} | ({"$schema": draft} if draft else {})
    assert frozen({"v": good}, schema)
    ((path, message),) = violations({"v": bad}, schema)
    assert (path, message.partition(" (RFC")[0]) == ("/v", f'(hidden) is not a "{format_}"')


def test_a_datetime_without_a_time_zone_is_refused_with_what_it_lacks():
    ((_, message),) = violations({"at": dt.datetime.now()}, {"properties": {"at": {"format": "date-time"}}})  # noqa: DTZ005
    assert message == '(hidden) is not a "date-time" (RFC 3339, with a time zone, as datetime.now(UTC) has)'


def test_a_format_nobody_knows_is_ignored():
    assert frozen({"v": "x"}, {"properties": {"v": {"format": "policy-number"}}})


def test_values_are_checked_against_formats_as_they_are_sent():
    schema = {"properties": {"u": {"type": "string", "format": "uuid"}, "t": {"type": "string", "format": "date-time"}}}
    assert frozen({"u": uuid.uuid4(), "t": dt.datetime.now(dt.UTC)}, schema)
    assert [path for path, _ in violations({"u": dt.date.today(), "t": uuid.uuid4()}, schema)] == ["/u", "/t"]  # noqa: DTZ011


SECRET = "Ann Example 078-05-1120"
RULES = [
    *({"type": "integer"}, {"enum": ["a"]}, {"const": "a"}, {"pattern": "^a$"}, {"maxLength": 1}, {"minLength": 99}),
    *(
        {"format": "uuid"},
        {"not": {}},
        {"anyOf": [{"type": "null"}]},
        {"oneOf": [{}, True]},
        {"allOf": [{"const": 1}]},
        False,
    ),
    *({"if": {}, "then": {"const": 1}}, {"$ref": "#/$defs/n"}, {"contentEncoding": "base64", "type": "null"}),
]
WRAPPED = [
    *(
        {"type": "array", "items": {"type": "integer"}},
        {"contains": {"const": 1}},
        {"uniqueItems": True},
        {"maxItems": 1},
    ),
    *({"prefixItems": [{"const": 1}]}, {"unevaluatedItems": False}, {"items": False}),
]
NAMED = [
    {"additionalProperties": {"const": 1}},
    {"propertyNames": {"maxLength": 1}},
    {"unevaluatedProperties": {"const": 1}},
]


@pytest.mark.parametrize(
    ("value", "rule"),
    [(SECRET, rule) for rule in RULES]
    + [([SECRET, SECRET], rule) for rule in WRAPPED]
    + [({"k1": SECRET}, rule) for rule in NAMED],
)
def test_no_value_shows_in_an_error_or_in_its_causes(value, rule):
    schema = {"properties": {"v": rule}, "$defs": {"n": {"type": "null"}}}
    with pytest.raises(InvalidEventError) as caught:
        Topic("Created", "Test", "testing", schema).freeze({"v": value})
    error = caught.value
    while error is not None:
        shown = repr(error) + str(error) + repr(getattr(error, "violations", ""))
        assert "Ann" not in shown
        assert "1120" not in shown
        error = error.__cause__ or error.__context__


def test_no_value_shows_where_the_data_cannot_be_json():
    with pytest.raises(InvalidEventError) as caught:
        ANY.freeze({"v": SECRET + "\0", "w": SECRET + "\ud800", "x": {SECRET}, "y": [math.inf]})
    assert "Ann" not in str(caught.value) + repr(caught.value.violations) + repr(caught.value.__cause__)


def test_values_show_where_they_are_asked_for():
    schema = {"properties": {"v": {"type": "integer"}}}
    assert violations({"v": "Ann"}, schema) == [("/v", '(hidden) is not of type "integer"')]
    assert violations({"v": "Ann"}, schema, show_values=True) == [("/v", '"Ann" is not of type "integer"')]


def test_every_violation_of_a_schema_is_told_with_path_and_rule():
    schema = {
        "required": ["id"],
        "properties": {"a/b": {"type": "string"}, "list": {"items": {"minimum": 2}}},
        "additionalProperties": False,
    }
    with pytest.raises(InvalidEventError) as caught:
        Topic("Created", "Test", "testing", schema).freeze({"a/b": 1, "list": [2, 1], "extra": 1})
    assert sorted((one.path, one.rule) for one in caught.value.violations) == [
        ("", "additionalProperties"),
        ("", "required"),
        ("/a~1b", "type"),
        ("/list/1", "minimum"),
    ]
    assert str(caught.value).startswith("invalid data for testing.TestCreated; correct it where it is published:\n")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.topic, again.violations) == (
        str(caught.value),
        caught.value.topic,
        caught.value.violations,
    )
    assert copy.copy(caught.value).violations == caught.value.violations
