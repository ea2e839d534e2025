"""The data that is sent, and the violations that an error names."""

import dataclasses
import enum
import math
from decimal import Decimal

import pytest

from bc_events import InvalidEventError, Topic


def frozen(data, schema=True):
    """The data's bytes, as they travel."""
    topic = Topic("Created", "Test", "testing", schema)
    return topic.freeze(data)[len(topic.head) :]


def violations(data, schema=True, *, show_values=False):
    topic = Topic("Created", "Test", "testing", schema, show_values=show_values)
    with pytest.raises(InvalidEventError) as caught:
        topic.freeze(data)
    return [(violation.path, violation.message) for violation in caught.value.violations]


class Colour(enum.Enum):
    RED = "red"
    NAN = math.nan
    PRICE = Decimal("1.10")


class Kind(str, enum.Enum):  # noqa: UP042  the test needs an enum that is not a StrEnum
    HOME = "home"


class Text(str):
    __slots__ = ()


class Real(float):
    pass


@dataclasses.dataclass
class Premium:
    amount: object
    _net: object = 1

    def __post_init__(self):
        self.cached = "no field"
