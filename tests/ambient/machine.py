"""Random lives of nested scopes beside a small model: what arrives, under which job and actor, in which order.

python -m tests.ambient.machine [--examples 5000]
"""

import argparse
import threading
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bc_events import NestedSessionError, NoActiveSessionError, events

from .recording import Recording, recording_client, say

SERVICES = ("PolicyService", "ClaimService")
JOBS = (None, "job-1", "job-2")
ACTORS = ("inherited", "user-one", "user-two", "service", "third-party")


class BoomError(Exception):
    """The exception with which a scope fails."""


@dataclass
class Work:
    """The model of a unit of work: what is sent together or not at all."""

    service: str
    job: str
    pending: list = field(default_factory=list)


@dataclass
class Scope:
    """The model of an open scope. `inner` are the numbers of events that were published in it."""

    work: Work
    actor: tuple
    is_outermost: bool
    commits: bool
    opened: object
    inner: set = field(default_factory=set)


class Scopes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.recordings = {name: Recording() for name in SERVICES}
        self.clients = {name: recording_client(self.recordings[name], name) for name in SERVICES}
        self.expected = {name: [] for name in SERVICES}
        self.scopes = []
        self.count = 0
        self.default = events.override(self.clients[SERVICES[0]])
        self.default.__enter__()

    @property
    def live(self):
        return self.scopes[-1] if self.scopes else None

    @rule(
        actor=st.sampled_from(ACTORS),
        job=st.sampled_from(JOBS),
        service=st.sampled_from((None, *SERVICES)),
        durable=st.booleans(),
        commits=st.booleans(),
    )
    def open(self, actor, job, service, durable, commits):
        options = {
            "client": None if service is None else self.clients[service],
            "durable": durable,
            "commit_on": (BoomError,) if commits else (),
        }
        scope = self._scope(actor, job, options)
        if durable and self.scopes:
            try:
                scope.__enter__()
            except NestedSessionError:
                return
            raise AssertionError("a durable scope was nested")
        session = scope.__enter__()
        service = service or (self.live.work.service if self.live else SERVICES[0])
        job = job or (self.live.work.job if self.live else session.job_id)
        joins = self.live is not None and (self.live.work.service, self.live.work.job) == (service, job)
        work = self.live.work if joins else Work(service, job)
        self.scopes.append(Scope(work, self._actor(actor, service), not joins, commits, scope))

    def _scope(self, actor, job, options):
        if actor.startswith("user"):
            return events.user_context(actor, job, **options)
        opened_by = {
            "inherited": events.session,
            "service": events.service_context,
            "third-party": events.third_party_context,
        }
        return opened_by[actor](job, **options)

    def _actor(self, actor, service):
        """Inherited, but for a service's own actor: a service acts as itself."""
        if actor.startswith("user"):
            return actor, "user"
        if actor == "third-party":
            return service, "third-party"
        if actor == "service" or self.live is None or self.live.actor == (self.live.work.service, "service"):
            return service, "service"
        return self.live.actor

    @precondition(lambda self: self.scopes)
    @rule(fails=st.booleans())
    def leave(self, fails):
        scope = self.scopes.pop()
        error = BoomError() if fails else None
        scope.opened.__exit__(type(error) if fails else None, error, None)
        if fails and not scope.commits:
            self._drop(scope)
        elif self.scopes:
            self.scopes[-1].inner |= scope.inner if not scope.is_outermost else set()
        if scope.is_outermost:
            self._send(scope.work)

    def _drop(self, scope):
        scope.work.pending = [said for said in scope.work.pending if said[0] not in scope.inner]

    def _send(self, work):
        if work.pending:
            self.expected[work.service].append(work.pending)
        work.pending = []

    @precondition(lambda self: self.scopes)
    @rule(in_thread=st.booleans())
    def publish(self, in_thread):
        self.count += 1
        if in_thread:
            thread = threading.Thread(target=events.propagate(say), args=(self.count,))
            thread.start()
            thread.join()
        else:
            say(self.count)
        self.live.inner.add(self.count)
        self.live.work.pending.append((self.count, self.live.work.job, self.live.actor))

    @precondition(lambda self: not self.scopes)
    @rule()
    def publish_outside(self):
        try:
            say(0)
        except NoActiveSessionError:
            return
        raise AssertionError("an event was published outside of any session")

    @precondition(lambda self: self.scopes)
    @rule()
    def flush(self):
        events.flush()
        self._send(self.live.work)

    @precondition(lambda self: self.scopes)
    @rule()
    def roll_back(self):
        events.rollback()
        self._drop(self.live)

    @invariant()
    def what_arrived_is_what_was_expected(self):
        for name, recording in self.recordings.items():
            arrived = [
                [(event.data["n"], event.job_id, (event.actor.id, event.actor.type)) for event in batch]
                for batch in recording.batches
            ]
            assert arrived == self.expected[name]

    @invariant()
    def the_live_session_is_the_model_s(self):
        if not self.scopes:
            assert events.current_job_id() is None
            return
        session = events.current_session()
        assert session.job_id == self.live.work.job
        assert session.client.service_name == self.live.work.service
        assert (session.actor_id, session.actor_type) == self.live.actor
        waiting = [n for n, _, _ in self.live.work.pending if n in self.live.inner]
        assert [event.data["n"] for event in session.events] == waiting

    def teardown(self):
        while self.scopes:
            self.leave(fails=False)
        self.what_arrived_is_what_was_expected()
        self.default.__exit__(None, None, None)


def run(examples):
    run_state_machine_as_test(
        Scopes,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=5_000)
    examples = parser.parse_args().examples
    run(examples)
    print(f"{examples} lives of nested scopes, no counterexample")


if __name__ == "__main__":
    main()
