"""Log lines that say to which job, session and actor they belong."""

import logging
import os

import pytest
import structlog
from structlog.testing import LogCapture

from bc_events import events
from bc_events.integrations.logging import EventsFilter
from bc_events.integrations.structlog import add_session

NAMES = ("bc_job_id", "bc_session", "bc_actor_id", "bc_actor_type")


@pytest.fixture
def records():
    found = []

    class Keeping(logging.Handler):
        def emit(self, record):
            found.append(record)

    handler = Keeping()
    handler.addFilter(EventsFilter())
    logger = logging.getLogger("service")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def fields(record):
    return tuple(getattr(record, name) for name in NAMES)


def test_a_record_has_the_live_job_session_and_actor(records, client):
    with events.user_context("user-one", "job-1", client=client) as session:
        logging.getLogger("service").warning("something")
    assert fields(records[0]) == ("job-1", f"{os.getpid()}-{session.unit.pending.number}", "user-one", "user")


def test_a_record_outside_of_a_session_has_the_names_too(records):
    """So that a format string may use them."""
    logging.getLogger("service").warning("something")
    assert fields(records[0]) == (None, None, None, None)


def test_what_a_record_says_itself_stays(records, client):
    with events.session("job-1", client=client):
        logging.getLogger("service").warning("something", extra={"bc_job_id": "job-2"})
    assert records[0].bc_job_id == "job-2"


def test_a_record_after_the_session_has_ended_says_nothing(records, client):
    with events.session("job-1", client=client):
        warn = events.propagate(logging.getLogger("service").warning)
    warn("something")
    assert fields(records[0]) == (None, None, None, None)


def test_a_lazy_actor_is_not_looked_up_by_a_log_line(records, client):
    """It may read a database, and a log line may be written from anywhere."""

    class Lazy:
        def now(self):
            raise AssertionError

        id = type = tail = property(now)

    with events.session("job-1", actor=Lazy(), client=client):
        logging.getLogger("service").warning("something")
    assert (records[0].bc_job_id, records[0].bc_actor_id) == ("job-1", None)


def test_a_filter_of_one_logger_lets_no_other_pass():
    assert not EventsFilter("service").filter(logging.makeLogRecord({"name": "other"}))


@pytest.fixture
def structured():
    capture = LogCapture()
    logger = structlog.wrap_logger(None, processors=[add_session, capture])
    return logger, capture.entries


def test_structlog_events_have_the_live_job_session_and_actor(structured, client):
    logger, entries = structured
    with events.user_context("user-one", "job-1", client=client) as session:
        logger.info("something", number=1)
    (entry,) = entries
    assert tuple(entry[name] for name in NAMES) == (
        *("job-1", f"{os.getpid()}-{session.unit.pending.number}"),
        *("user-one", "user"),
    )
    assert entry["number"] == 1


def test_structlog_events_outside_of_a_session_are_as_they_were(structured):
    logger, entries = structured
    logger.info("something")
    assert not set(NAMES) & set(entries[0])


def test_what_a_structlog_event_says_itself_stays(structured, client):
    logger, entries = structured
    with events.session("job-1", client=client):
        logger.info("something", bc_job_id="job-2")
    assert entries[0]["bc_job_id"] == "job-2"
