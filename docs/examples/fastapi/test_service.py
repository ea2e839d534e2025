from fastapi.testclient import TestClient
from service import app

HEADERS = {"authorization": "customer-1", "x-britecore-job-id": "job-1"}
client = TestClient(app)


def test_a_request_and_its_background_task_publish_under_one_job(captured_events):
    assert client.post("/claims/7", headers=HEADERS).status_code == 200
    opened = captured_events.assert_published("opened_claim", number=7)
    assessed = captured_events.assert_published("assessed_claim", amount=250)
    assert opened.job_id == assessed.job_id == "job-1"


def test_the_user_acts(captured_events):
    client.post("/claims/7", headers=HEADERS)
    assert captured_events.assert_published("opened_claim").actor.id == "customer-1"


def test_a_refused_request_publishes_nothing(captured_events):
    assert client.post("/claims/13", headers=HEADERS).status_code == 409
    captured_events.assert_nothing_published()
