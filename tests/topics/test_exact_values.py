"""Values of odd classes: each is on the wire as it was, or its event is refused. None ends the process."""

import collections
import dataclasses
import datetime as dt
import re
import uuid
import zoneinfo
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, strategies as st

from bc_events import InvalidEventError, Topic

from .exact_values import ANY, refusal, sent

TYPED = Topic(
    "Created",
    "Test",
    "testing",
    {"properties": {"at": {"type": "string", "format": "date-time"}, "premium": {"type": "number"}}},
)


RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?[+-]([01]\d|2[0-3]):[0-5]\d")


class Says:
    """Overrides every method by which the text or number of an object is read."""

    def __str__(self):
        return "another"

    __repr__ = __str__

    def __format__(self, _specification):
        return "another"

    def __index__(self):
        return 999

    __int__ = __index__

    def __float__(self):
        return 999.0


class Text(Says, str):
    __slots__ = ()


class Whole(Says, int):
    pass


class Real(Says, float):
    pass


class Money(Says, Decimal):
    pass


class Identity(Says, uuid.UUID):
    pass


class Moment(Says, dt.datetime):
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Text("a"), "a"),
        (Whole(7), 7),
        (Real(1.5), Decimal("1.5")),
        (Money("10.50"), Decimal("10.50")),
        (Identity(int=7), str(uuid.UUID(int=7))),
        (Moment(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_a_subclass_cannot_write_another_value(value, expected):
    assert repr(sent(value)) == repr(expected)
    assert repr(sent(value, "x", TYPED)) == repr(expected)


@given(
    st.dates(dt.date(2, 1, 1), dt.date(9998, 1, 1)),
    st.times(),
    st.timedeltas(dt.timedelta(hours=-23, minutes=-59), dt.timedelta(hours=23, minutes=59)),
)
def test_a_datetime_keeps_its_instant_to_the_microsecond_in_rfc_3339(day, time, offset):
    for kind in (dt.datetime, Moment):
        moment = kind.combine(day, time, dt.timezone(offset))
        form = sent(moment, "at", TYPED)
        assert RFC_3339.fullmatch(form)
        assert dt.datetime.fromisoformat(form) == moment


def test_the_offset_of_a_named_zone_is_that_of_the_moment():
    amsterdam = zoneinfo.ZoneInfo("Europe/Amsterdam")
    assert sent(dt.datetime(2026, 7, 1, tzinfo=amsterdam)) == "2026-07-01T00:00:00+02:00"
    assert sent(dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=amsterdam)) == "2026-10-25T02:30:00+01:00"
    assert sent(dt.datetime(1930, 1, 1, 12, tzinfo=amsterdam)).endswith("+00:00")


def zone_of(offset):
    class Zone(dt.tzinfo):
        def utcoffset(self, _moment):
            if isinstance(offset, Exception):
                raise offset
            return offset

    return Zone()


@pytest.mark.parametrize("offset", [OverflowError(), RecursionError(), dt.timedelta(days=2), None, "Z", 3600], ids=repr)
def test_a_time_zone_without_an_offset_is_a_reason_to_refuse(offset):
    assert "/v: " in refusal(dt.datetime(2026, 1, 1, tzinfo=zone_of(offset)))


def test_a_moment_that_utc_has_no_year_for_is_refused():
    assert "/v: " in refusal(dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(seconds=30))))


@pytest.mark.parametrize(("base", "fields"), [(dt.datetime, (1, 1, 1)), (dt.date, (1, 1, 1)), (dt.time, (1, 1))])
def test_a_subclass_that_shows_no_moment_is_refused(base, fields):
    """As NaT of pandas does: it has the fields of a datetime, and is none."""
    odd = type("NotATime", (base,), {"isoformat": lambda *_: "NaT"})
    assert "isoformat() says another" in refusal(odd(*fields))


def test_a_class_that_is_named_like_one_of_pythons_own_is_told_with_its_module():
    assert "is a numpy.bool, which has no JSON form" in refusal(type("bool", (), {"__module__": "numpy"})())


def test_a_uuid_that_was_never_given_its_number_is_refused():
    assert "/v: cannot be read (AttributeError)" in refusal(uuid.UUID.__new__(uuid.UUID))
    odd = uuid.uuid4()
    object.__setattr__(odd, "int", 2**200)
    assert "/v: is a UUID without a number of 128 bits" in refusal(odd)


def test_a_moment_with_nanoseconds_is_refused():
    """As Timestamp of pandas has them. Python drops them when it reads a text."""

    class Finer(dt.datetime):
        def isoformat(self):
            return super().isoformat(timespec="microseconds") + "789"

    assert "isoformat() says another moment" in refusal(Finer(2026, 1, 2))


@pytest.mark.parametrize("text", [b'{"a":', b'1}, "x": {', b"NaN", b"1", "1"], ids=repr)
@pytest.mark.parametrize(
    "hide", [list, dict, dataclasses.make_dataclass("Holder", ["part"])], ids=["list", "dict", "dc"]
)
def test_ready_made_json_is_refused_where_it_hides(text, hide):
    fragment = orjson.Fragment(text)
    held = {"part": fragment} if hide is dict else [fragment] if hide is list else hide(fragment)
    assert "is a Fragment, which has no JSON form" in refusal(held)


class Upper(dict):
    def __getitem__(self, key):
        return super().__getitem__(key).upper()


class Multi(dict):
    """Like those of Django and Werkzeug: it holds lists, and shows the last item of each."""

    def __getitem__(self, key):
        return super().__getitem__(key)[-1]

    def items(self):
        return [(key, self[key]) for key in self]


class Twice(collections.UserDict):
    def keys(self):
        return ["a", "a"]


class Endless(collections.UserDict):
    def __iter__(self):
        while True:
            yield "a"


class Reversed(list):
    def __iter__(self):
        return iter(self[::-1])


@pytest.mark.parametrize("value", [Upper(a="x"), Multi(a=["x"]), Twice(a=1), Endless(a=1), Reversed([1, 2])], ids=repr)
def test_a_container_that_shows_something_else_than_it_holds_is_refused(value):
    assert "/v: is a " in refusal(value)


@pytest.mark.parametrize(
    "value", [collections.OrderedDict(a=1), collections.Counter("a"), collections.defaultdict(list, a=1)]
)
def test_a_mapping_of_the_standard_library_is_its_members(value):
    assert sent(value) == {"a": 1}


@pytest.mark.parametrize("part", [1, "x" * 1_000_000], ids=["number", "text"])
@pytest.mark.parametrize("kind", [list, tuple])
def test_data_that_multiplies_is_refused_before_it_fills_the_memory(kind, part):
    for _ in range(40):
        part = kind([part] * 9)
    assert "is larger than a whole request may be" in refusal(part)


def test_one_part_may_stand_in_several_places():
    shared = (uuid.UUID(int=1), [Decimal("1.10")])
    assert sent([shared, {"again": shared}]) == [
        ["00000000-0000-0000-0000-000000000001", [Decimal("1.10")]],
        {"again": ["00000000-0000-0000-0000-000000000001", [Decimal("1.10")]]},
    ]


def test_a_part_that_nests_too_deeply_in_its_second_place_is_refused():
    part = (1,)
    for _ in range(180):
        part = (part,)
    deep = part
    for _ in range(180):
        deep = (deep,)
    assert "nests more than 200 levels deep" in refusal([part, deep])


def test_an_error_holds_the_first_of_very_many_violations_and_shows_fewer():
    with pytest.raises(InvalidEventError) as caught:
        ANY.freeze({"v": [{1}] * 5_000})
    assert len(caught.value.violations) == 1_000
    assert str(caught.value).endswith("\n  and 980 more")


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        (True, {"a\r\n\x1b[2J" + "b" * 500: {1}}),
        (True, {"a": type("X\n\x1b", (), {})()}),
        ({"additionalProperties": {"type": "integer"}}, {"a\n\x1b": "x"}),
        ({"additionalProperties": False}, {"a\n\x1b": "x"}),
        ({"propertyNames": {"maxLength": 2}}, {"a\n\x1b" + "b" * 5_000: "x"}),
    ],
)
def test_what_an_error_shows_of_the_data_is_escaped_and_cut(schema, data):
    with pytest.raises(InvalidEventError) as caught:
        Topic("Created", "Test", "testing", schema).freeze(data)
    _, *lines = str(caught.value).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert all(len(line) < 800 for line in lines)
