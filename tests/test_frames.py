"""How many Python functions of the library one event passes through. Each of them costs time, and has to be read."""

import sys
from pathlib import Path

import pytest
from opentelemetry.context import Context, attach, detach

import bc_events
from bc_events import EventClient, events
from bc_events._delivery import networks
from bc_events._delivery.wire import Answer, Verdict

PACKAGE = f"{Path(bc_events.__file__).parent}/"
TOPICS = {"DefaultCategory": "testing", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}


def answer(request):
    """In place of the network: what a pooled connection does with a request is not counted."""
    return Answer(Verdict.SETTLED, results=("Success",) * len(request.events), status=201)


@pytest.fixture(autouse=True)
def nothing_in_baggage():
    """An OpenTelemetry context with entries is searched for a job id, which takes one function more."""
    token = attach(Context())
    yield
    detach(token)


@pytest.fixture
def client():
    networks.connect(answer)
    with EventClient("http://127.0.0.1:9", "TestService", TOPICS) as made:
        yield made
    networks.disconnect(answer)


class Frames:
    """`with Frames() as frames:` notes each function of the library that is entered, or resumed, on this thread."""

    def __init__(self):
        self.entered = []

    def __enter__(self):
        self._previous = sys.getprofile()
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_):
        sys.setprofile(self._previous)

    def _note(self, frame, event, _):
        code = frame.f_code
        is_comprehension = code.co_name in ("<listcomp>", "<dictcomp>", "<setcomp>")  # a function before Python 3.12
        if event == "call" and code.co_filename.startswith(PACKAGE) and not is_comprehension:
            self.entered.append(f"{code.co_filename.removeprefix(PACKAGE)} {code.co_qualname}")

    def are_at_most(self, most, what):
        listed = "\n  ".join(self.entered)
        assert len(self.entered) <= most, (
            f"{what} passes through {len(self.entered)} functions of the library, and may pass through {most}. Remove "
            f"a step that only passes the call on, or guard one that has nothing to do here:\n  {listed}"
        )


def test_a_publish_passes_through_at_most_4_functions(client):
    with events.session(client=client):
        events.created_test({"id": 1})
        with Frames() as frames:
            events.created_test({"id": 2})
    frames.are_at_most(4, "a publish")


def test_the_exit_of_a_session_with_one_event_passes_through_at_most_38_functions(client):
    for _ in range(2):  # the first one loads what it needs
        session = events.session(client=client)
        session.__enter__()
        events.created_test({"id": 1})
        with Frames() as frames:
            session.__exit__(None, None, None)
    assert frames.entered[0] == "_ambient/scope.py SessionScope.__exit__"
    frames.entered = [one for one in frames.entered if not one.endswith("__del__")]  # called by the garbage collector
    frames.are_at_most(38, "the exit of a session with one event")


def test_an_empty_session_passes_through_at_most_24_functions(client):
    for _ in range(2):  # the first one loads what it needs
        with Frames() as frames, events.session(client=client):
            pass
    frames.entered = [one for one in frames.entered if not one.endswith("__del__")]
    frames.are_at_most(24, "an empty session")


def test_an_empty_joined_session_passes_through_at_most_18_functions(client):
    with events.session(client=client):
        for _ in range(2):
            with Frames() as frames, events.session():
                pass
    frames.are_at_most(18, "an empty joined session")
