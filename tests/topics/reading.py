"""Read a definitions file from its text, or its mistakes."""

import io

import pytest

from bc_events import TopicDefinitionError, TopicTable

ONE = """\
DefaultCategory: testing
Topics:
  - Action: Created
    Entity: Test
    Schema: %s
"""


def read(text, **options):
    return TopicTable.read(io.StringIO(text), **options)


def problems(text):
    with pytest.raises(TopicDefinitionError) as caught:
        read(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def only_problem(text):
    (found,) = problems(text)
    return found


def of_property(rule):
    """A file with this schema of one property, on line 8."""
    return ONE % f"\n      type: object\n      properties:\n        v: {rule}"
