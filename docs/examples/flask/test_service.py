from service import app

client = app.test_client()
HEADERS = {"authorization": "customer-1", "x-britecore-job-id": "job-1"}


def test_a_request_publishes_for_its_user_under_its_job(captured_events):
    assert client.post("/claims/7", headers=HEADERS).json == {"job": "job-1"}
    opened = captured_events.assert_published("opened_claim", number=7)
    assert (opened.job_id, opened.actor.id) == ("job-1", "customer-1")


def test_a_refused_request_publishes_nothing(captured_events):
    assert client.post("/claims/13", headers=HEADERS).status_code == 409
    captured_events.assert_nothing_published()


def test_what_a_streamed_body_publishes_is_sent_at_its_end(captured_events):
    with client.get("/assess") as response:
        assert response.text == "0\n1\n2\n"
    captured_events.assert_published("assessed_claim", number=2)
