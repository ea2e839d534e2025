"""The store keeps what it is told to keep, and its full-text index follows."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bc_events import ConfigurationError
from bc_events.local.event_store import EventStore
from bc_events.local.retention import Retention

from .events import received


def test_the_latest_events_are_kept():
    with closing(EventStore(retention=Retention(count=3))) as store:
        for number in range(5):
            store.add([received(job_id=f"job-{number}")], (201, b"{}"), f"key-{number}")
        assert [event.job_id for event in store.events()] == ["job-2", "job-3", "job-4"]
        assert [store.count(f"job-{number}") for number in range(5)] == [0, 0, 1, 1, 1]
        assert [store.answer(f"key-{number}") is not None for number in range(5)] == [False, False, True, True, True]


def test_a_request_larger_than_what_is_kept_leaves_its_last_events():
    with closing(EventStore(retention=Retention(count=3))) as store:
        store.add([received(job_id=f"job-{number}") for number in range(10)])
        assert [event.seq for event in store.events()] == [8, 9, 10]


def test_events_are_kept_for_a_time():
    now = datetime.now(UTC)
    with closing(EventStore(retention=Retention(age=timedelta(hours=1)))) as store:
        store.add([received(received=now - timedelta(minutes=age)) for age in (90, 61, 59, 0)])
        assert len(store.events()) == 2


def test_events_grow_too_old_also_while_none_come(monkeypatch):
    with closing(EventStore(retention=Retention(age=timedelta(hours=1)))) as store:
        store.add([received(received=datetime.now(UTC) - timedelta(minutes=59))])
        assert store.count() == 1
        store._retention = Retention(age=timedelta(minutes=58))  # a minute passes
        assert store.count() == 0


def test_deleted_events_are_not_found_by_their_text_again():
    """Before and after the full-text index has come to them."""
    with closing(EventStore()) as store:
        store.add([received(data='{"name": "smith"}')])
        assert store.delete("smith") == 1
        store.add([received(data='{"name": "miller"}')])
        assert [store.count("smith"), store.count("miller")] == [0, 1]
        store.add([received(data='{"name": "baker"}')])
        assert store.delete("job:job-1") == 2
        store.add([received(data='{"name": "cook"}')])
        assert [store.count(name) for name in ("smith", "miller", "baker", "cook")] == [0, 0, 0, 1]


def test_many_events_are_indexed_as_they_come():
    with closing(EventStore()) as store:
        for first in range(0, 12_000, 1_000):
            store.add([received(data=f'{{"name": "name-{first + number}"}}') for number in range(1_000)])
        assert store.count("name-11999") == 1
        assert store.count("name-") == 12_000


def test_a_file_is_searched_after_a_restart_as_before(tmp_path):
    with closing(EventStore(str(tmp_path / "events.db"))) as store:
        store.add([received(data='{"name": "smith"}')])
        assert store.count("smith") == 1
        store.add([received(data='{"name": "miller"}')])
    with closing(EventStore(str(tmp_path / "events.db"), Retention(count=2))) as store:
        assert [store.count("smith"), store.count("miller"), store.last_seq] == [1, 1, 2]
        store.add([received()])
        assert [store.count("smith"), store.count("miller"), store.last_seq] == [0, 1, 3]


def test_events_that_are_known_are_not_added_again():
    with closing(EventStore()) as store:
        known, new = received(), received()
        store.add([known])
        assert store.add_missing([known, new, new]) == 1
        assert [event.event_id for event in store.events()] == [known.event_id, new.event_id]


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        ([], Retention()),
        (["50000"], Retention(50_000)),
        (["7d"], Retention(age=timedelta(days=7))),
        (["12h", "5"], Retention(5, timedelta(hours=12))),
    ],
)
def test_what_to_keep_is_read(texts, kept):
    assert Retention.read(texts) == kept


@pytest.mark.parametrize("texts", [["0"], ["-1"], ["7 d"], ["7y"], ["5", "6"], ["1d", "2d"], ["²"], [""], ["9" * 30]])
def test_what_says_nothing_of_what_to_keep_is_refused(texts):
    with pytest.raises(ConfigurationError, match="give a number of events, such as 50000"):
        Retention.read(texts)
