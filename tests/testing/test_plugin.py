"""The plugin as a service has it: in a pytest run of its own."""

import pytest

from bc_events.local import LocalEventsAPI
from tests.testing.conftest import SERVICE


def test_the_plugin_loads_nothing_of_the_library(pytester, monkeypatch):
    """Modules that are imported before coverage is measured count as never run (pytest-dev/pytest-cov#635)."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins may load the library, and take seconds
    pytester.makeconftest("""
        import sys

        loaded = sorted(name for name in sys.modules if name.startswith("bc_events"))

        def test_loaded():
            assert loaded == [
                "bc_events",
                "bc_events._delivery",
                "bc_events._delivery.networks",
                "bc_events.testing",
                "bc_events.testing.plugin",
            ]
    """)
    pytester.makepyfile(test_loaded="from conftest import test_loaded")
    run = pytester.runpytest_subprocess("-p", "bc_events.testing.plugin", "-p", "no:cacheprovider")
    run.assert_outcomes(passed=1)


def test_the_fixture_captures_what_the_service_publishes(service):
    service("""
        def test_it(captured_events):
            create("p1")
            captured_events.assert_published("created_policy", id="p1")

        def test_another_begins_with_none(captured_events):
            captured_events.recorded.assert_nothing_published()
    """).assert_outcomes(passed=2)


def test_without_the_fixture_nothing_is_sent_and_the_error_says_how_to_ask(service):
    result = service("""
        def test_it():
            create("p1")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nothing is sent under pytest*captured_events*bc_events_network*"])


def test_what_test_modules_do_when_they_are_imported_is_not_sent_either(service):
    result = service("""
        create("p1")

        def test_it(): ...
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*nothing is sent under pytest*"])


EARLY = """
    import pytest
    from service import attempt

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests():
        attempt("settings")  # pytest-django loads them here, and its applications
"""
CONFTEST = """
    import atexit
    from service import attempt

    atexit.register(attempt, "exit")
    attempt("conftest")

    def pytest_configure(): attempt("configure")
    def pytest_sessionstart(): attempt("sessionstart")
    def pytest_sessionfinish(): attempt("sessionfinish")
    def pytest_unconfigure(): attempt("unconfigure")
"""
ATTEMPT = """
    def attempt(when):
        try:
            create(when)
        except Exception as error:
            print(when, "nothing is sent under pytest" in str(error))
"""


def test_what_happens_around_the_tests_is_not_sent_either(service, pytester):
    """Not by conftest files, plugins' hooks or functions at exit (miketheman/pytest-socket#539)."""
    with LocalEventsAPI() as api:
        pytester.makepyfile(service=SERVICE.replace("http://127.0.0.1:9", api.url) + ATTEMPT, early=EARLY)
        pytester.makeconftest(CONFTEST)
        result = service("def test_it(): ...", "-s", "-p", "early", runner=pytester.runpytest_subprocess)
        assert api.events() == []
    result.assert_outcomes(passed=1)
    moments = ("settings", "conftest", "configure", "sessionstart", "sessionfinish", "unconfigure", "exit")
    result.stdout.fnmatch_lines([f"*{moment} True" for moment in moments])


MARKED = "import pytest\n@pytest.mark.bc_events_network\n"
LOCAL_API = "import pytest\n@pytest.fixture\ndef local_events_api(): ...\n"


@pytest.mark.parametrize(
    ("tests", "options"),
    [
        (f"{MARKED}def test_it(): create('p1')", []),
        ("def test_it(): create('p1')", ["--bc-events-network"]),
        (f"{MARKED}def test_it(captured_events): create('p1')", []),
        (f"{LOCAL_API}def test_it(local_events_api): create('p1')", []),
    ],
    ids=["marker", "option", "marker and captured", "local api"],
)
def test_the_network_is_there_for_who_asks(service, tests, options):
    """It really is tried: nothing listens, so the error is that of a refused connection."""
    result = service(tests, *options)
    result.stdout.fnmatch_lines(["*no answer from POST http://127.0.0.1:9/events: connection refused*"])


def test_a_local_events_api_that_a_test_makes_is_reached(service):
    """It is in this process, so it can be nobody else's. Other addresses stay closed, or are captured."""
    service("""
        import pytest
        from bc_events import EventClient
        from bc_events.local import LocalEventsAPI
        from service import TOPICS

        @pytest.fixture
        def api():
            with LocalEventsAPI() as api:
                yield api

        def publish_to(url):
            with EventClient(url, "PolicyService", TOPICS) as client:
                session = client.service_session("job-1")
                session.created_policy({"id": "p1"})
                session.flush()

        def test_alone(api):
            publish_to(api.url.replace("127.0.0.1", "localhost"))
            assert len(api.events()) == 1
            with pytest.raises(Exception, match="nothing is sent under pytest"):
                create("p2")

        def test_and_captured(api, captured_events):
            publish_to(api.url)
            create("p2")
            assert len(api.events()) == 1
            assert len(captured_events.sent) == 2

        def test_once_it_has_stopped(api):
            api.stop()
            with pytest.raises(Exception, match="nothing is sent under pytest"):
                publish_to(api.url)
    """).assert_outcomes(passed=3)


def test_the_network_is_closed_again_after_a_test_that_asked(service):
    result = service(
        """
        import pytest

        @pytest.mark.bc_events_network
        def test_asks():
            with pytest.raises(Exception, match="no answer"):
                create("p1")

        def test_does_not():
            with pytest.raises(Exception, match="nothing is sent under pytest"):
                create("p1")
        """
    )
    result.assert_outcomes(passed=2)


def test_the_names_of_the_package_are_loaded_when_asked_for():
    import bc_events.testing

    assert all(hasattr(bc_events.testing, name) for name in dir(bc_events.testing))
    assert set(bc_events.testing.__all__) <= set(dir(bc_events.testing))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        bc_events.testing.nonsense  # noqa: B018
