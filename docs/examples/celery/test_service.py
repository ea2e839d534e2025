import pytest
import service


@pytest.fixture(autouse=True)
def _eager():
    service.app.conf.task_always_eager = True


def test_a_task_publishes_under_the_job_and_user_that_sent_it(captured_events):
    service.open_claim(7, "customer-1")
    opened = captured_events.assert_published("opened_claim", number=7)
    assessed = captured_events.assert_published("assessed_claim", number=7)
    assert assessed.job_id == opened.job_id
    assert assessed.actor.id == "customer-1"


def test_an_attempt_that_is_retried_publishes_nothing(captured_events, monkeypatch):
    attempts = iter([ConnectionError(), None])

    def fetch_photos(number):
        failure = next(attempts)
        if failure:
            raise failure

    monkeypatch.setattr(service, "fetch_photos", fetch_photos)
    service.assess.delay(7)
    captured_events.assert_published("assessed_claim", number=7)
