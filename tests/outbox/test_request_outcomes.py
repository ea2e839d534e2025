"""The meaning of an answer for the rows of its request."""

import pytest

from bc_events._delivery.request import Request
from bc_events._delivery.wire import Answer, Verdict
from bc_events.outbox._relay.counts import RelayCounts
from bc_events.outbox._relay.outcome import RequestOutcome, outcome_of, settlement_of
from bc_events.outbox._store.store import Failure, Settlement
from tests.outbox.rows import row


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((400, 413, 422, 500), RequestOutcome.REFUSED),
        ((301, 308, 399, 401, 403, 404, 409, 412, 414, 421, 423, 499, 501, None), RequestOutcome.MISCONFIGURED),
    ],
    ids=["something in the request is wrong", "the relay is set up wrongly"],
)
@pytest.mark.parametrize("verdict", [Verdict.FINAL, Verdict.SPLIT])
def test_a_refusal_is_of_the_request_or_of_the_relay(verdict, statuses, outcome):
    assert {outcome_of(Answer(verdict, status=status)) for status in statuses} == {outcome}


@pytest.mark.parametrize("status", [None, 200, 400, 429, 500, 503])
def test_an_outage_is_a_pause_whatever_its_status(status):
    assert outcome_of(Answer(Verdict.AGAIN, status=status)) is RequestOutcome.PAUSE


def test_each_record_has_its_own_result():
    rows = [row(number) for number in range(4)]
    results = ("Success", "InternalFailureException", "SchemaViolation", "ProvisionedThroughputExceededException")
    answer = Answer(Verdict.SETTLED, results=results, status=201)
    assert outcome_of(answer) is RequestOutcome.SETTLED
    settlement = settlement_of(Request.of(rows), answer, lambda attempts: 10.0 * attempts)
    assert settlement.delivered == rows[:1]
    assert settlement.failed == [
        Failure(rows[1], results[1], 10.0),
        Failure(rows[2], results[2]),
        Failure(rows[3], results[3], 10.0),
    ]


def test_counts_add_up():
    counts = RelayCounts()
    rows = [row(number) for number in range(6)]
    for _ in range(2):
        counts.asked()
        counts.settled(
            Settlement(rows[:1], [Failure(rows[1], "again", 0.0), *(Failure(one, "no") for one in rows[2:])]), 3
        )
    assert (counts.sent, counts.retried, counts.dead, counts.lost_leases, counts.requests) == (2, 2, 8, 6, 2)
    assert "lock" not in repr(counts)
