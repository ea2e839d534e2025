"""The process's default client. Each case that changes it for good runs in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest

from bc_events import EventClient, EventsError, events
from bc_events._ambient.default_client import default_client
from tests.conftest import TOPICS


def probe(code, **environment):
    """The output of some code in a fresh process, standard error included."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BC_EVENTS_")}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return run.stdout.strip()


SHOW = "from bc_events._ambient.default_client import default_client; print(repr(default_client()))"


@pytest.fixture
def topics(tmp_path):
    file = tmp_path / "topics.yaml"
    file.write_text(json.dumps(TOPICS))
    return str(file)


def environment(topics, **changes):
    given = {"URL": "https://example.com", "NAME": "TestService", "TOPICS": topics} | changes
    names = {"URL": "BC_EVENTS_API_URL", "NAME": "BC_EVENTS_SERVICE_NAME", "TOPICS": "BC_EVENTS_TOPICS"}
    return {names[name]: value for name, value in given.items() if value is not None}


def test_the_environment_configures_the_default_client(topics):
    assert probe(SHOW, **environment(topics)) == "<EventClient TestService at https://example.com>"


def test_a_url_of_log_only_logs(topics):
    assert probe(SHOW, **environment(topics, URL="log:")) == "<EventClient TestService at no API (log only)>"


def test_nothing_configured_is_an_error_at_the_first_use_that_says_how():
    told = probe("from bc_events import events\nwith events.session(): pass").splitlines()[-1]
    assert told == (
        "bc_events.errors.ConfigurationError: no events client is configured and BC_EVENTS_API_URL, "
        "BC_EVENTS_SERVICE_NAME, BC_EVENTS_TOPICS are not set; call events.configure(EventClient(api_url, "
        "service_name, topic_definitions)) when the service starts, or set BC_EVENTS_API_URL (log: only logs events), "
        "BC_EVENTS_SERVICE_NAME and BC_EVENTS_TOPICS"
    )


def test_in_log_mode_an_outbox_of_the_environment_stores_nothing(topics, tmp_path):
    """A developer changes one variable of the service, as for the command."""
    outbox = tmp_path / "events.db"
    assert "log only" in probe(SHOW, **environment(topics, URL="log:"), BC_EVENTS_OUTBOX=str(outbox))
    assert not outbox.exists()


def test_half_an_environment_names_the_other_half(topics):
    assert "BC_EVENTS_TOPICS is not set; call" in probe(SHOW, **environment(None))


@pytest.mark.parametrize("name", ["BC_EVENTS_OUTBX", "BC_EVENT_OUTBOX", "BC_EVENTS_OUTOBX", "bc_events_outbox"])
def test_a_misspelt_variable_is_answered_with_the_right_one(topics, name):
    """Without it the service would send directly, and nobody would notice."""
    told = probe(SHOW, **environment(topics), **{name: "events.db"})
    assert f"the environment has {name}, which nothing reads; did you mean BC_EVENTS_OUTBOX?" in told


@pytest.mark.parametrize(
    "name", ["BC_EVENTS_OUTBOX_PATH", "BC_EVENTS_TOPICS_ARN", "BC_EVENTS_LOG_LEVEL", "BCC", "MBC_EVENTS_OUTBOX"]
)
def test_variables_of_the_services_own_are_left_alone(topics, name):
    assert "<EventClient" in probe(SHOW, **environment(topics), **{name: "x"})


def test_a_client_configured_by_hand_wins_over_the_environment(topics):
    code = (
        "from bc_events import events\n"
        f"made = events.configure(api_url=None, service_name='ByHand', topic_definitions={topics!r})\n"
        "with events.session() as session: print(session.client is made, repr(made))"
    )
    assert probe(code, **environment(topics)) == "True <EventClient ByHand at no API (log only)>"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("events.configure()", "configure takes either a client, or the keyword arguments of EventClient"),
        ("events.configure(object(), api_url=None)", "configure takes either a client"),
        (
            "events.configure('https://a.example')",
            "configure was given a str; give it EventClient(api_url, service_name",
        ),
        ("events.configure(api_url=None)", "EventClient also needs service_name and topic_definitions"),
    ],
)
def test_a_call_that_configures_half_a_client_says_what_is_missing(call, told):
    assert told in probe(f"from bc_events import events\n{call}")


@pytest.fixture
def clients():
    return [EventClient(None, f"Service{number}", TOPICS) for number in range(3)]


def test_an_override_is_the_default_in_its_block_and_nests(clients):
    with events.override(clients[0]) as used:
        assert default_client() is used is clients[0]
        with events.override(clients[1]):
            assert default_client() is clients[1]
            with events.session() as session:
                assert session.client is clients[1]
        assert default_client() is clients[0]


def test_one_override_object_may_be_open_several_times(clients):
    one = events.override(clients[0])
    with one:
        with events.override(clients[1]), one:
            assert default_client() is clients[0]
        assert default_client() is clients[0]


def test_overrides_end_in_any_order(clients):
    first, second = events.override(clients[0]), events.override(clients[1])
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert default_client() is clients[1]
    second.__exit__(None, None, None)


def test_an_override_ends_with_an_exception_too(clients):
    with events.override(clients[0]):
        with pytest.raises(EventsError), events.override(clients[1]):
            raise EventsError
        assert default_client() is clients[0]


def test_an_override_serves_async_with(clients):
    async def work():
        async with events.override(clients[0]):
            return default_client()

    assert asyncio.run(work()) is clients[0]


def test_an_override_decorates_functions_coroutines_and_generators(clients):
    @events.override(clients[0])
    def plain():
        return default_client()

    @events.override(clients[0])
    async def coroutine():
        return default_client()

    @events.override(clients[0])
    def generator():
        yield default_client()
        yield default_client()

    with events.override(clients[1]):
        assert plain() is clients[0]
        assert asyncio.run(coroutine()) is clients[0]
        steps = generator()
        assert next(steps) is clients[0]
        assert default_client() is clients[1]
        assert [*steps] == [clients[0]]


def test_an_override_holds_in_every_thread(clients):
    found = []
    with events.override(clients[0]):
        thread = threading.Thread(target=lambda: found.append(default_client()))
        thread.start()
        thread.join()
    assert found == [clients[0]]
