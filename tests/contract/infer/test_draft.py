"""A draft accepts the events that it was made from, and says that it is a draft."""

import json

import pytest
from hypothesis import given, strategies as st

from bc_events import ConfigurationError, TopicTable
from bc_events.contract.infer.draft import draft
from bc_events.contract.infer.observed_schema import observed_schema

ID = "0b5e8c1e-7f0a-4c57-9d7e-1f2a3b4c5d6e"


def lines(*events):
    return [json.dumps(event).encode() + b"\n" for event in events]


def event(data, action="Created", entity="Policy", **more):
    return {"action": action, "entity": entity, "data": data, **more}


def read(text, tmp_path):
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    return TopicTable.read(file)


def test_a_topic_for_each_kind_of_event(tmp_path):
    text = draft(
        lines(
            event({"id": ID}, category="policies", jobId="job-1"),
            event({"id": ID, "note": None}, category="policies"),
            event({"sum": 1}, "Sent", "Invoice", category="billing"),
        )
    )
    assert text.startswith("# DRAFT, made by bc-events topics infer from 3 events of 2 topics.\n")
    table = read(text, tmp_path)
    assert sorted(table) == ["billing.InvoiceSent", "policies.PolicyCreated"]
    assert table.default_category in {"billing", "policies"}
    assert table["policies.PolicyCreated"].description == "DRAFT, from 2 events. Say when this event happens."
    assert table["policies.PolicyCreated"].schema == {
        "type": "object",
        "properties": {"id": {"type": "string", "format": "uuid"}, "note": {"type": "null"}},
        "required": ["id"],
    }


def test_events_without_a_category_get_one_to_begin_with(tmp_path):
    assert list(read(draft(lines(event({"a": 1}))), tmp_path)) == ["events.PolicyCreated"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([ID, ID.upper()], "uuid"),
        (["2024-02-03T04:05:06Z"], "date-time"),
        (["2024-02-03", "2024-02-04"], "date"),
        (["a@b.example"], "email"),
        (["https://b.example/a"], "uri"),
        (["2024-02-03", "soon"], None),
        ([ID, ""], None),
    ],
)
def test_a_format_is_one_that_all_texts_of_a_place_have(texts, expected):
    schema = observed_schema([{"at": text} for text in texts])
    assert schema["properties"]["at"].get("format") == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["", "a", ID, "2024-02-03"]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from("abc"), part, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), json_values, min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_draft_accepts_the_events_it_was_made_from(tmp_path_factory, data):
    table = read(draft(lines(*map(event, data))), tmp_path_factory.mktemp("draft"))
    for one in data:
        assert table["events.PolicyCreated"].violations(one) == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "line 2 is not JSON"),
        (b"[]", "line 2 is no event; give lines of JSON with"),
        (b'{"action": "Created", "entity": "Policy"}', "line 2 is no event"),
        (b'{"action": "Created", "data": {}}', "line 2 has no entity"),
        (b'{"action": "Created", "entity": "Policy", "category": 1, "data": {}}', "line 2 has no category"),
    ],
)
def test_a_line_that_is_no_event_is_named(line, told):
    with pytest.raises(ConfigurationError, match=told):
        draft([*lines(event({"a": 1})), line])


def test_a_file_without_events_is_an_error():
    with pytest.raises(ConfigurationError, match="there is no event in it"):
        draft([b"\n"])
