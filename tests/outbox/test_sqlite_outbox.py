"""EventClient(outbox="events.db"): what a flush promises, and the relay in the process."""

import logging
import threading
from pathlib import Path

import pytest

from bc_events import ConfigurationError, DeliveryError, events
from bc_events.outbox import SQLiteOutbox, named
from tests.outbox.service import QUICK, client_of, numbers, publish

ROOT = Path(__file__).parents[2]


def test_a_session_is_stored_whole_when_its_flush_returns(outbox):
    with client_of(None, outbox) as client:
        publish(client, 1, 2)
        stored = outbox.store.show()
    assert [(row.topic, row.category, row.job_id, row.service) for row in stored] == [
        ("testing.ThingCreated", "testing", "job-1", "PolicyService")
    ] * 2
    assert stored[0].payload == (
        '{"action":"Created","category":"testing","entity":"Thing","data":{"number":1},'
        '"actor":{"id":"PolicyService","type":"service"}}'
    )


def test_nothing_of_a_rolled_back_session_is_stored(outbox):
    with client_of(None, outbox) as client:
        with pytest.raises(ZeroDivisionError), events.session(client=client):
            events.created_thing({"number": 1})
            raise ZeroDivisionError
        assert outbox.store.stats().pending == 0


def test_a_commit_is_durable(outbox, path):
    """Write-ahead log and a full sync: what a flush has promised survives kill -9 and the loss of power."""
    with client_of(None, outbox) as client:
        publish(client, 1)
        with outbox.store._database.transaction() as transaction:
            assert transaction.run("PRAGMA synchronous") == [(2,)]
            assert transaction.run("PRAGMA journal_mode") == [("wal",)]


def test_the_relay_in_this_process_delivers(api, path):
    outbox = SQLiteOutbox(path, settings=QUICK)
    with client_of(api.url, outbox) as client:
        publish(client, 1, 2)
        assert numbers(api.wait(count=2)) == [1, 2]
        (request,) = api.requests()
        assert request.job_id == "job-1"
    assert outbox.store.stats().pending == 0
    outbox.store.close()


def test_a_name_is_enough(api, path):
    with client_of(api.url, str(path)) as client:
        publish(client, 1)
        assert numbers(api.wait(count=1)) == [1]


@pytest.mark.parametrize("form", ["sqlite:///{}", "{}"])
def test_a_file_may_be_named_as_a_url(api, path, form):
    with client_of(api.url, form.format(path)) as client:
        publish(client, 1)
    assert path.exists()


def test_what_is_no_outbox_is_refused(path):
    with pytest.raises(ConfigurationError, match=r"outbox is a \w*Path; give the name of a file as a string"):
        client_of(None, path)


def test_an_unknown_kind_of_outbox_is_refused():
    with pytest.raises(ConfigurationError, match=r"no outbox lives at oracle://; give a file name"):
        client_of(None, "oracle://somewhere")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("djagno", r"the outbox is djagno; did you mean django\? A file of that name is \./djagno"),
        ("Django", r"did you mean django\?"),
        ("djagno:default", r"no outbox lives at djagno:; did you mean django, or django:alias"),
        ("sqlite:events.db", r"did you mean sqlite:///events\.db, or events\.db alone\?"),
        ("sqlite3:///events.db", r"did you mean sqlite:///events\.db"),
        ("postgress://app:secret@db/app", r"did you mean postgresql://…\?"),
        ("postgresql:app:secret@db", r"did you mean postgresql://…\?"),
        ("oracle:app:secret@db", "no outbox lives at oracle:; give a file name"),
    ],
)
def test_a_misspelt_kind_of_outbox_is_answered_with_the_right_one(name, told):
    """It would be a file, in which events wait for a relay that looks elsewhere."""
    with pytest.raises(ConfigurationError, match=told) as caught:
        named(name)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["events.db", "./djagno", "outbox", "C:/events.db", "/var/lib/a:b.db"])
def test_other_names_are_those_of_files(name):
    assert named(name).store


def test_options_in_the_url_of_a_file_are_refused():
    """They would become a part of the file's name."""
    with pytest.raises(ConfigurationError, match="takes no options"):
        named("sqlite:///events.db?timeout=3")


@pytest.mark.parametrize(
    "options",
    [*({"busy_timeout": seconds} for seconds in (float("nan"), float("inf"), -1, 3_000_000)), {"max_bytes": 0}],
    ids=str,
)
def test_an_option_that_cannot_hold_is_refused(path, options):
    with pytest.raises(ConfigurationError):
        SQLiteOutbox(path, **options)


@pytest.mark.parametrize("name", [":memory:", "sqlite:///:memory:", "sqlite://", "", Path(), "file:events.db?mode=ro"])
def test_what_names_no_file_is_refused(name):
    with pytest.raises(ConfigurationError, match=r"names none; give one such as events\.db"):
        named(name) if isinstance(name, str) else SQLiteOutbox(name)


@pytest.mark.parametrize("name", ["events.db\n", "sqlite:///events.db\n", " events.db"])
def test_white_space_around_the_name_of_its_file_is_refused(name):
    with pytest.raises(ConfigurationError, match="white space"):
        named(name)


def test_a_relay_without_an_api_is_refused(path):
    with pytest.raises(ConfigurationError, match="relay=False"):
        client_of(None, str(path))


def test_no_thread_is_started_before_the_first_event(api, path):
    before = threading.active_count()
    with client_of(api.url, str(path)):
        assert threading.active_count() == before


def test_closing_sends_what_is_left(api, path):
    client = client_of(api.url, str(path))
    publish(client, *range(10))
    client.close()
    assert sorted(numbers(api.events())) == list(range(10))


def test_closing_with_the_api_down_keeps_the_events_and_says_so(path, caplog):
    outbox = SQLiteOutbox(path, settings=QUICK)
    client = client_of("http://127.0.0.1:9", outbox)
    publish(client, 1)
    client.close()
    (record,) = [
        one
        for one in caplog.records
        if one.message == f"1 event waiting in {path} for the next relay: stored, not lost"
    ]
    assert record.levelno == logging.WARNING
    assert record.bc_pending == 1
    assert outbox.store.stats().pending == 1
    outbox.store.close()


def test_a_failing_flush_raises_and_the_error_keeps_the_events(tmp_path):
    outbox = SQLiteOutbox(tmp_path / "missing" / "events.db", relay=False)
    with client_of(None, outbox) as client:
        with pytest.raises(DeliveryError, match="see that its folder can be written to") as failure:
            publish(client, 1, 2)
        assert [(item.event.data["number"], item.outcome) for item in failure.value.undelivered] == [
            (1, "unsent"),
            (2, "unsent"),
        ]
        (tmp_path / "missing").mkdir()
        client.resend(failure.value)
        client.resend(failure.value)
        assert outbox.store.stats().pending == 2


def test_threads_store_side_by_side(outbox):
    with client_of(None, outbox) as client:
        threads = [threading.Thread(target=publish, args=(client, *range(5))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outbox.store.stats().pending == 100


def test_async_scopes_store_off_the_loop(outbox):
    import asyncio

    async def work(client) -> None:
        async with events.session(client=client):
            events.created_thing({"number": 1})

    with client_of(None, outbox) as client:
        asyncio.run(work(client))
        assert outbox.store.stats().pending == 1
