"""`bc-events publish` delivers, or says of each event why not."""

import json
import os
import pty
import signal
import subprocess

import pytest

from bc_events import Actor
from bc_events.outbox import SQLiteOutbox

from .processes import output, started


def lines(*events) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def policy(number, **more):
    return {"name": "created_policy", "data": {"id": number, **more}}


def test_one_event_is_delivered(run, local_events_api):
    done = run("publish", "created_policy", '{"id": 1.50}', "--user", "cognito-1", "--job-id", "job-1")
    assert (done.returncode, done.stdout) == (0, "policies.PolicyCreated delivered, job job-1\n")
    [event] = local_events_api.events()
    assert (event.raw, event.actor, event.job_id) == (b'{"id":1.50}', Actor("cognito-1", "user"), "job-1")


def test_options_go_before_the_environment(run, local_events_api):
    done = run(
        *("publish", "created_policy", '{"id": 1}', "--api-url", local_events_api.url, "--service", "OtherService"),
        BC_EVENTS_API_URL="http://127.0.0.1:1",
    )
    assert done.returncode == 0
    assert [event.actor.id for event in local_events_api.events()] == ["OtherService"]


def test_with_an_outbox_events_are_stored_and_its_relay_delivers_them(run, local_events_api, tmp_path):
    """The same environment means the same to the command as to the service."""
    done = run("publish", "created_policy", '{"id": 1}', "--job-id", "job-1", BC_EVENTS_OUTBOX="events.db")
    assert (done.returncode, done.stdout) == (0, "policies.PolicyCreated stored, job job-1\n")
    assert (tmp_path / "events.db").exists()
    local_events_api.wait("job:job-1")


def test_what_an_outbox_holds_outlives_an_outage(run, local_events_api, tmp_path):
    local_events_api.faults(unavailable={"retry_after": 60})
    assert run("publish", "--file", "-", "--outbox", "events.db", stdin=lines(policy(1), policy(2))).returncode == 0
    local_events_api.faults()
    assert local_events_api.events() == []
    outbox = SQLiteOutbox(tmp_path / "events.db", relay=False)
    assert outbox.store.stats().pending == 2
    outbox.store.close()


def test_with_log_nothing_is_stored_either(run, tmp_path):
    done = run("publish", "created_policy", '{"id": 1}', BC_EVENTS_API_URL="log:", BC_EVENTS_OUTBOX="events.db")
    assert (done.returncode, "checked, none sent" in done.stdout) == (0, True)
    assert not (tmp_path / "events.db").exists()


def test_a_client_in_the_service_s_code_brings_its_auth(run, local_events_api, tmp_path):
    (tmp_path / "myservice.py").write_text(
        f"from bc_events import EventClient\n"
        f"client = EventClient({local_events_api.url!r}, 'CodedService', 'topics.yaml', auth=lambda: 'token')\n"
    )
    done = run("publish", "created_policy", '{"id": 1}', "--client", "myservice:client", BC_EVENTS_API_URL="")
    assert (done.returncode, done.stderr) == (0, "")
    assert [event.actor.id for event in local_events_api.events()] == ["CodedService"]
    assert local_events_api.requests()[0].has_authorization


def test_what_is_missing_is_named_with_its_variable(run):
    done = run("publish", "created_policy", '{"id": 1}', BC_EVENTS_API_URL="", BC_EVENTS_SERVICE_NAME="")
    assert done.returncode == 2
    assert "Give --api-url or BC_EVENTS_API_URL, and --service or BC_EVENTS_SERVICE_NAME; or --client." in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("created_policy",),
        ("created_policy", "{"),
        ("created_policy", '{"id": 1}', "--file", "-"),
        ("created_policy", '{"id": 1}', "--user", "abcd"),
        ("created_policy", '{"id": 1}', "--job-id", "a b"),
        ("created_policy", '{"id": 1}', "--topics", "nothing.yaml"),
        ("created_policy", '{"id": 1}', "--api-url", "nonsense"),
        ("--file", "nothing.jsonl"),
        ("created_policy", '{"id": 1}', "--client", "nothing:client"),
        ("created_policy", '{"id": 1}', "--client", "nothing"),
        ("created_policy", '{"id": 1}', "--client", "json:dumps", "--api-url", "log:"),
    ],
    ids=" ".join,
)
def test_misuse_ends_with_2_and_sends_nothing(run, local_events_api, arguments):
    done = run("publish", *arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert local_events_api.requests() == []


@pytest.mark.parametrize(
    "arguments", [("created_policy", '{"id": "secret"}'), ("flush", "{}"), ("created_policy", "[]")]
)
def test_a_bad_event_ends_with_1_and_is_not_shown(run, local_events_api, arguments):
    done = run("publish", *arguments)
    assert done.returncode == 1
    assert "secret" not in done.stdout + done.stderr
    assert local_events_api.requests() == []


def test_lines_of_both_shapes_are_delivered_in_order(run, local_events_api):
    given = lines(
        policy(1),
        {"action": "Created", "entity": "Policy", "data": {"id": 2}},
        {"action": "Sent", "entity": "Invoice", "category": "billing", "data": {"id": 3}},
        {"name": "sent_invoice", "data": {"id": 4}},
    )
    done = run("publish", "--file", "-", "--job-id", "job-1", stdin=given.replace(b"\n", b"\n \n"))
    assert (done.returncode, done.stdout) == (0, "4 of 4 events delivered, job job-1\n")
    assert [event.data["id"] for event in local_events_api.events("job:job-1")] == [1, 2, 3, 4]
    assert done.stderr == ""


def test_a_file_of_many_lines_makes_full_requests_of_one_job(run, local_events_api, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(lines(*map(policy, range(501))))
    assert run("publish", "--file", "events.jsonl").returncode == 0
    assert [request.records for request in local_events_api.requests()] == [250, 250, 1]
    assert [event.data["id"] for event in local_events_api.events()] == list(range(501))
    assert len({event.job_id for event in local_events_api.events()}) == 1


BAD_LINES = {
    "not JSON": b"{secret",
    "UTF-8": b'{"name": "\xff"}',
    "not an object": b"[1]",
    "other keys": b'{"name": "created_policy", "data": {"id": 1}, "actor": "secret"}',
    "not text": b'{"name": 1, "data": {"id": 1}}',
    "no topic answers to flush": b'{"name": "flush", "data": {"id": 1}}',
    "no topic answers to policies.QuoteCreated": b'{"action": "Created", "entity": "Quote", "data": {"id": 1}}',
    '/id: the value is not of type "number"': b'{"name": "created_policy", "data": {"id": "secret"}}',
    "NaN": b'{"name": "created_policy", "data": {"id": NaN}}',
}


def test_where_a_line_is_bad_all_bad_ones_are_named_and_nothing_is_sent(run, local_events_api):
    done = run("publish", "--file", "-", stdin=b"\n".join([lines(policy(1)).strip(), *BAD_LINES.values()]))
    assert done.returncode == 1
    assert local_events_api.requests() == []
    for number, reason in enumerate(BAD_LINES, 2):
        _, _, said = done.stderr.partition(f"line {number}: ")
        assert reason in said.partition("line ")[0]
    assert "nothing was sent: 9 of 10 lines are bad" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_the_good_lines_are_sent_when_asked_for(run, local_events_api):
    given = lines(policy(1)) + BAD_LINES["not JSON"] + b"\n" + lines(policy(3))
    done = run("publish", "--file", "-", "--skip-bad", stdin=given)
    assert done.returncode == 1
    assert done.stderr.startswith("line 2: not JSON")
    assert done.stdout.startswith("2 of 3 events delivered")
    assert [event.data["id"] for event in local_events_api.events()] == [1, 3]


def test_events_that_the_api_refuses_are_named_by_their_lines_and_the_others_arrive(run, local_events_api):
    local_events_api.faults(too_large={"records": 1, "count": 3})
    done = run("publish", "--file", "-", stdin=lines(*map(policy, range(1, 5))))
    assert done.returncode == 1
    assert "line 1: refused: HTTP 413" in done.stderr
    assert done.stdout.startswith("3 of 4 events delivered")
    assert [event.data["id"] for event in local_events_api.events()] == [2, 3, 4]


def test_an_outage_leaves_the_rest_unsent_and_says_so(run, local_events_api):
    local_events_api.faults(unavailable={"after": 1, "retry_after": 60})
    done = run("publish", "--file", "-", stdin=lines(*map(policy, range(1, 1001))))
    assert done.returncode == 1
    assert "lines 251-500: unknown: HTTP 503" in done.stderr
    assert "lines 501-1000: unsent:" in done.stderr
    assert done.stdout.startswith("250 of 1000 events delivered")


def test_with_log_events_are_checked_and_none_is_said_to_be_delivered(run):
    done = run("publish", "created_policy", '{"id": 1}', BC_EVENTS_API_URL="log:")
    assert "checked, none sent" in done.stdout
    assert run("publish", "created_policy", "{}", BC_EVENTS_API_URL="log:").returncode == 1


def test_stopped_it_says_what_was_delivered_and_what_is_not_known(topics, tmp_path, local_events_api):
    (tmp_path / "events.jsonl").write_bytes(lines(*map(policy, range(1, 751))))
    local_events_api.faults(latency={"after": 1, "ms": 3000})
    arguments = ("--file", "events.jsonl", "--api-url", local_events_api.url, "--service", "PolicyService")
    with started("publish", *arguments, "--topics", str(topics), cwd=tmp_path, stderr=subprocess.PIPE) as process:
        local_events_api.wait(count=250, timeout=20)
        while local_events_api.fired() == {"latency": 0}:
            pass
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=20)
    assert b"lines 251-500: unknown: the command was stopped" in errors
    assert b"lines 501-750: unsent: the command was stopped" in errors
    assert told.startswith(b"250 of 750 events delivered")
    assert process.returncode == 1


def test_stopped_in_the_middle_of_one_event_it_says_that_it_may_have_arrived(topics, tmp_path, local_events_api):
    local_events_api.faults(latency={"ms": 3000})
    arguments = ("created_policy", '{"id": 1}', "--api-url", local_events_api.url, "--service", "PolicyService")
    with started("publish", *arguments, "--topics", str(topics), cwd=tmp_path, stderr=subprocess.PIPE) as process:
        while local_events_api.fired() == {"latency": 0}:
            pass
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=20)
    assert b"policies.PolicyCreated may not have arrived: the command was stopped\nIt may have arrived" in errors
    assert (process.returncode, told) == (1, b"")


def test_a_terminal_shows_progress(topics, tmp_path, local_events_api):
    (tmp_path / "events.jsonl").write_bytes(lines(policy(1)))
    ours, theirs = pty.openpty()
    arguments = ("--file", "events.jsonl", "--api-url", local_events_api.url, "--service", "PolicyService")
    with started("publish", *arguments, "--topics", str(topics), cwd=tmp_path, stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(output(ours))
    assert b"Sending" in shown
    assert process.returncode == 0


@pytest.mark.parametrize("option", ["--job-id", "--user"])
def test_an_option_that_is_given_twice_is_refused(run, local_events_api, option):
    """Of two values nobody can tell which one was meant."""
    done = run("publish", "created_policy", '{"id": 1}', option, "value-one", option, "value-two")
    assert done.returncode == 2
    assert f"Invalid value for '{option}': given more than once" in done.stderr
    assert local_events_api.events() == []
