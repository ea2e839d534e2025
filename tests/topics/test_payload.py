"""An event's data: checked and frozen at the call, exactly or not at all."""

import collections
import datetime as dt
import json
import math
import sys
import types
import uuid
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bc_events import Topic

from .frozen_data import Colour, Kind, Premium, Real, Text, frozen, violations


def told(value):
    ((path, message),) = violations({"v": value})
    assert path == "/v"
    return message


class Whole(int):
    pass


class Moment(dt.datetime):
    pass


class Day(dt.date):
    pass


class Identity(uuid.UUID):
    pass


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024  the test needs a plain named tuple
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
    """Undoes the class with which integers were parsed, which tells an int from a Decimal without a point."""
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
