import pytest
from service import create_app

HEADERS = {"authorization": "customer-1"}


@pytest.fixture
def client(tmp_path):
    return create_app(f"sqlite:///{tmp_path}/claims.db").test_client()


def test_the_user_whom_before_request_has_authenticated_acts(client, captured_events):
    assert client.post("/claims/7", headers=HEADERS).status_code == 200
    opened = captured_events.assert_published("opened_claim", number=7)
    assert opened.actor.id == "customer-1"


def test_a_refused_claim_is_rolled_back_with_its_event(client, captured_events):
    assert client.post("/claims/13", headers=HEADERS).status_code == 409
    captured_events.assert_nothing_published()
