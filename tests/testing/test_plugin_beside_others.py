"""The plugin beside plugins and libraries that services use."""


def test_pytest_asyncio(service):
    service(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_it(captured_events):
            await create_later("p1")
            captured_events.assert_published("created_policy", id="p1")
        """,
        "-p",
        "pytest_asyncio.plugin",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    ).assert_outcomes(passed=1)


def test_anyio(service):
    service(
        """
        import pytest

        @pytest.mark.anyio
        async def test_it(captured_events):
            await create_later("p1")
            captured_events.assert_published("created_policy", id="p1")
        """,
        "-p",
        "anyio.pytest_plugin",
    ).assert_outcomes(passed=2)


def test_xdist(service, pytester):
    service(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(captured_events, number):
            create(str(number))
            captured_events.assert_published("created_policy", id=str(number))
        """,
        "-p",
        "xdist.plugin",
        "-n2",
        runner=pytester.runpytest_subprocess,
    ).assert_outcomes(passed=8)


def test_hypothesis(service):
    """Each example has a capture of its own; a fixture would be shared by all."""
    service(
        """
        from hypothesis import given, settings, strategies as st
        from bc_events.testing import capture_events

        @settings(max_examples=5, database=None)
        @given(st.text("abc", min_size=1))
        def test_it(policy_id):
            with capture_events() as captured:
                create(policy_id)
            captured.assert_published("created_policy", id=policy_id)
        """,
        "-p",
        "_hypothesis_pytestplugin",
    ).assert_outcomes(passed=1)


def test_inline_snapshot(service, pytester):
    service(
        """
        from inline_snapshot import snapshot

        def test_it(captured_events, deterministic_events):
            create("p1")
            assert captured_events.as_dicts() == snapshot([{
                "topic": "policies.PolicyCreated",
                "data": {"id": "p1"},
                "actor": {"id": "PolicyService", "type": "service"},
                "job_id": "00dc6acf-ac00-7000-8000-000000000001",
                "id": "00dc6acf-ac00-7000-8000-000000000000",
                "time": "2000-01-01T00:00:00+00:00",
            }])
        """,
        "-p",
        "inline_snapshot.pytest_plugin",
        runner=pytester.runpytest_subprocess,
    ).assert_outcomes(passed=1)


def test_pytest_django(service, pytester):
    """A client that follows transactions confirms an event when they commit, which under TestCase is simulated."""
    pytester.makepyfile(
        settings="""
        SECRET_KEY = "of a test"
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        """
    )
    service(
        """
        import pytest
        from django.test import TestCase
        from bc_events.integrations.django import follow_transactions
        from bc_events.testing import CapturesEvents
        from service import client

        follow_transactions(client)

        @pytest.mark.django_db(transaction=True)
        def test_without_a_transaction(captured_events):
            create("p1")
            captured_events.sent.assert_published("created_policy", id="p1")

        @pytest.mark.django_db
        def test_in_a_transaction(captured_events, django_capture_on_commit_callbacks):
            with django_capture_on_commit_callbacks(execute=True):
                create("p1")
                captured_events.confirmed.assert_nothing_published()
            captured_events.sent.assert_published("created_policy", id="p1")

        class TestIt(CapturesEvents, TestCase):
            def test_what_never_commits_is_recorded_only(self):
                create("p2")
                self.captured_events.recorded.assert_published("created_policy", id="p2")
                self.captured_events.confirmed.assert_nothing_published()

            def test_what_commits_is_published(self):
                with self.captureOnCommitCallbacks(execute=True):
                    create("p2")
                self.captured_events.assert_published("created_policy", id="p2")
        """,
        "-p",
        "pytest_django.plugin",
        "--ds=settings",
        runner=pytester.runpytest_subprocess,
    ).assert_outcomes(passed=4)
