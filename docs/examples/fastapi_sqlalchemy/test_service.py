import pytest
from fastapi.testclient import TestClient
from service import Claim, create_app
from sqlalchemy import select


@pytest.fixture
def app(tmp_path):
    return create_app(f"sqlite:///{tmp_path}/claims.db")


def claims(app):
    with app.state.sessions() as db:
        return list(db.scalars(select(Claim.number)))


def test_a_claim_and_its_event_are_committed_together(app, captured_events):
    assert TestClient(app).post("/claims/7").status_code == 200
    captured_events.assert_published("opened_claim", number=7)
    assert claims(app) == [7]


def test_a_refused_claim_is_rolled_back_with_its_event(app, captured_events):
    assert TestClient(app).post("/claims/13").status_code == 409
    captured_events.assert_nothing_published()
    assert claims(app) == []
