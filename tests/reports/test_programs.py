"""Random programs of sessions, savepoints and failures: the line of the job says what a model says."""

import itertools

from hypothesis import HealthCheck, given, settings, strategies as st

from bc_events import InvalidEventError, events
from tests.reports.conftest import line_of

LEAVES = st.sampled_from(["event", "invalid", "flush", "roll back", "look"])
STEPS = st.recursive(
    st.lists(LEAVES, max_size=4),
    lambda inner: st.lists(st.one_of(LEAVES, st.tuples(st.booleans(), inner)), max_size=5),
    max_leaves=20,
)
NUMBERS = itertools.count(1)


class Failure(Exception):
    """Ends a scope."""


class Program:
    """Runs steps, and notes what should become of each event."""

    def __init__(self, api, client):
        self.api = api
        self.client = client
        self.job_id = f"job-{next(NUMBERS)}"
        self.expected = []
        self._scopes = []

    def run(self, *, fails, steps):
        try:
            with events.session(self.job_id if not self._scopes else None, client=self.client):
                self._scopes.append(object())
                for step in steps:
                    self._do(step)
                if fails:
                    raise Failure
        except Failure:
            self._end("rolled back", self._scopes[-1])
        scope = self._scopes.pop()
        if not self._scopes:
            self._end("arrived", scope)

    def _do(self, step):
        if isinstance(step, tuple):
            self.run(fails=step[0], steps=step[1])
        elif step == "event":
            events.created_test({"id": len(self.expected)})
            self.expected.append(["open", list(self._scopes)])
        elif step == "invalid":
            try:
                events.created_test({})
            except InvalidEventError:
                self.expected.append(["refused", []])
        elif step == "flush":
            events.flush()
            self._end("arrived", self._scopes[0])
        elif step == "roll back":
            events.rollback()
            self._end("rolled back", self._scopes[-1])
        else:
            self.look()

    def _end(self, state, scope):
        for event in self.expected:
            if event[0] == "open" and any(one is scope for one in event[1]):
                event[0] = state

    def look(self):
        line = line_of(self.api, self.job_id)
        assert [event.state for event in line.events] == [state for state, _ in self.expected]
        assert [event.data["id"] for event in line.events if event.raw] == [
            place for place, (state, _) in enumerate(self.expected) if state != "refused"
        ]
        assert line.lost_reports == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fails=st.booleans(), steps=STEPS, outage=st.booleans())
def test_the_line_shows_what_became_of_each_event(api, reporting, fails, steps, outage):
    """Also behind a response of 503, after which each request is sent again."""
    if outage:
        api.faults(unavailable={"probability": 0.5, "count": 3, "retry_after": 0})
    program = Program(api, reporting(api))
    program.run(fails=fails, steps=steps)
    program.look()
    line = api.job(program.job_id)
    assert all(session.ended for session in line.sessions)
    arrived = [seq for event in line.events for seq in event.seqs]
    assert sorted(arrived) == [event.seq for event in api.events(f"job:{program.job_id}")]
    api.faults()
