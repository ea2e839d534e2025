"""A value as it is sent, or why it is refused."""

import json
from decimal import Decimal

import pytest

from bc_events import InvalidEventError, Topic

ANY = Topic("Created", "Test", "testing", schema=True)


def sent(value, name="v", topic=ANY):
    return json.loads(topic.freeze({name: value})[len(topic.head) :], parse_float=Decimal)[name]


def refusal(value, topic=ANY):
    with pytest.raises(InvalidEventError) as caught:
        topic.freeze({"v": value})
    return str(caught.value)
