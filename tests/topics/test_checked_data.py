"""An event's data against its schema: what is accepted, and what an error shows of it."""

import copy
import datetime as dt
import math
import pickle
import types
import uuid
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from bc_events import InvalidEventError, Topic

from .frozen_data import Colour, Kind, Premium, Real, Text, frozen, violations

ANY = Topic("Created", "Test", "testing", schema=True)
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
    assert (path, message.partition(" (RFC")[0]) == ("/v", f'the value is not a "{format_}"')


def test_a_datetime_without_a_time_zone_is_refused_with_what_it_lacks():
    ((_, message),) = violations({"at": dt.datetime.now()}, {"properties": {"at": {"format": "date-time"}}})  # noqa: DTZ005
    assert message == 'the value is not a "date-time" (RFC 3339, with a time zone, as datetime.now(UTC) has)'


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
    assert violations({"v": "Ann"}, schema) == [("/v", 'the value is not of type "integer"')]
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
