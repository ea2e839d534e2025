from datetime import UTC, datetime

import pytest

from bc_events import ConfigurationError, events
from bc_events.testing import capture_events, deterministic_events


def publish_two():
    with capture_events() as captured, events.session():
        first = events.created_policy({"id": "p1"})
        second = events.created_policy({"id": "p2"})
    return captured, first, second


def test_each_run_has_the_same_ids_and_times(client):
    with deterministic_events():
        found = publish_two()[0].as_dicts()
    assert found == [
        {
            "topic": "policies.PolicyCreated",
            "data": {"id": f"p{number + 1}"},
            "actor": {"id": "PolicyService", "type": "service"},
            "job_id": "00dc6acf-ac00-7000-8000-000000000001",
            "id": f"00dc6acf-ac{number:02x}-7000-8000-000000000000",
            "time": f"2000-01-01T00:00:00{'.001000' if number else ''}+00:00",
        }
        for number in range(2)
    ]


def test_an_id_does_not_depend_on_when_it_is_asked_for(client):
    ids = []
    for order in (1, -1):
        with deterministic_events():
            _, *published = publish_two()
            ids.append(sorted(str(event.id) for event in published[::order]))
    assert ids[0] == ids[1]


def test_ids_have_the_form_of_real_ones(client):
    with deterministic_events():
        _, event, _ = publish_two()
        assert (event.id.version, event.id.variant) == (7, "specified in RFC 4122")


def test_the_clock_starts_where_it_is_told_to(client):
    with deterministic_events(datetime(2030, 5, 1, tzinfo=UTC)):
        _, event, _ = publish_two()
    assert event.time == datetime(2030, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("start", ["2030-05-01", datetime(2030, 5, 1, tzinfo=None)])  # noqa: DTZ001  that is the mistake
def test_a_start_that_is_no_point_in_time_is_refused(start):
    with pytest.raises(ConfigurationError, match="^start .*time zone"), deterministic_events(start):
        pass


def test_jobs_are_numbered(client):
    with deterministic_events():
        jobs = []
        for _ in range(2):
            with events.session() as session:
                jobs.append(session.job_id[-1])
    assert jobs == ["1", "2"]


@pytest.mark.usefixtures("client")
def test_afterwards_ids_are_random_again():
    with deterministic_events():
        pass
    _, *published = publish_two()
    assert len({event.id for event in published}) == 2
    assert all(event.time.year > 2000 for event in published)
