from django.contrib.auth.models import User
from django.test import TestCase

from bc_events.integrations.django.testing import CommittingClient
from bc_events.testing import CapturesEvents


class Claims(CapturesEvents, TestCase):
    client_class = CommittingClient

    def test_an_opened_claim_is_published_for_the_user(self):
        self.client.force_login(User.objects.create_user(username="cognito-id-of-ann"))
        self.client.get("/claims/7/250", headers={"x-britecore-job-id": "job-1"})
        opened = self.captured_events.assert_published("opened_claim", number=7)
        assert (opened.job_id, opened.actor.id) == ("job-1", "cognito-id-of-ann")

    def test_a_claim_that_is_rolled_back_is_not_published(self):
        self.client.get("/claims/8/20000")
        assert list(self.captured_events) == []
