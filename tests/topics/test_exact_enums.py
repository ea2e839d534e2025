"""Members of enums, and dataclasses that are also values: sent as their one value, or refused."""

import collections
import dataclasses
import datetime as dt
import enum
import types
import typing
from decimal import Decimal

import orjson
import pytest

from .exact_values import refusal, sent


class Plain(enum.Enum):
    ONE = 1


class Itself(enum.Enum):
    A = 1


class InAList(enum.Enum):
    A = 1


class Raises(enum.Enum):
    A = 1

    @property
    def value(self):
        raise ZeroDivisionError


class Shouts(enum.Enum):
    A = "a"

    @property
    def value(self):
        return self._value_.upper()


class Labelled(int, enum.Enum):
    A = 1

    def __new__(cls, number):
        member = int.__new__(cls, number)
        member._value_ = "one"
        return member


class Ready(enum.Enum):
    A = orjson.Fragment(b'{"a":')


class Bits(enum.Flag):
    A = 1
    B = 2


Itself.A._value_ = Itself.A
InAList.A._value_ = [InAList.A]


@pytest.mark.parametrize("member", [Itself.A, InAList.A, Raises.A, Shouts.A, Labelled.A, Ready.A], ids=str)
def test_an_enum_member_without_one_value_is_refused(member):
    assert "/v" in refusal([member])
    assert "/v" in refusal(dataclasses.make_dataclass("Holder", ["member"])(member))


def test_an_enum_member_is_its_value():
    assert [sent(member) for member in (Plain.ONE, Bits.A | Bits.B, enum.StrEnum("S", "A").A)] == [1, 3, "a"]


def declares(*bases):
    """A dataclass that is also something else."""
    return dataclasses.make_dataclass("Odd", ["field"], bases=bases)


class Attributes(list):
    """As attrs marks its classes."""

    __attrs_attrs__ = ("field",)


@pytest.mark.parametrize(
    "value",
    [
        *(declares(kind)("1") for kind in (str, int, float, Decimal, list, dict, set, frozenset)),
        *(declares(kind)(1) for kind in (collections.UserDict, collections.UserList, collections.deque)),
        declares(tuple)((1, 2)),
        declares(bytes)(1),
        Attributes([1]),
    ],
    ids=lambda value: type(value).__base__.__name__,
)
def test_a_class_with_fields_that_is_also_a_value_is_refused(value):
    """Either its fields or its value would be lost."""
    assert "/v: has fields and is also a " in refusal(value)
    assert "; convert it first" in refusal([value])


def test_a_dataclass_may_have_bases_that_hold_nothing():
    """In a dataclass without fields, no field can be lost either."""
    for bases in ((), (Exception,), (typing.Generic[typing.TypeVar("T")],), (collections.abc.Sized,)):
        kind = types.new_class("Plain", bases, {}, lambda body: body.update({"__len__": lambda _: 1}))
        assert sent(dataclasses.make_dataclass("Record", ["field"], bases=(kind,))(1)) == {"field": 1}
    assert sent(dataclasses.make_dataclass("Empty", [], bases=(list,))()) == []


class Rate(Decimal, enum.Enum):
    LOW = "1.10"


class Start(dt.datetime, enum.Enum):
    A = 2026, 1, 2


class Parts(dict, enum.Enum):
    A = {"a": 1}  # noqa: RUF012  the value of a member


def test_an_enum_member_that_is_a_value_of_another_class_is_its_value():
    assert [sent(member) for member in (Rate.LOW, Start.A, Parts.A)] == [
        Decimal("1.10"),
        "2026-01-02T00:00:00",
        {"a": 1},
    ]


class Renamed(Decimal, enum.Enum):
    A = "1.10"

    def __new__(cls, digits):
        member = Decimal.__new__(cls, digits)
        member._value_ = "low"
        return member


class Changed(dict, enum.Enum):
    A = {"a": 1}  # noqa: RUF012  the value of a member


class Filled(list, enum.Enum):
    A = ()


Changed.A["b"] = 2
Filled.A.append(1)


@pytest.mark.parametrize("member", [Renamed.A, Changed.A, Filled.A], ids=["decimal", "dict", "list"])
def test_an_enum_member_that_is_another_value_than_it_has_is_refused(member):
    assert "but not equal to its value" in refusal(member)
