"""`bc-events tail` prints events as they come, and the line of a job."""

import json
import re
import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest

from bc_events.local import LocalEventsAPI
from tests.local.wire import envelope, post

from .processes import started


@contextmanager
def tailing(api, *arguments):
    """The command, once its stream is open."""
    listeners = api._open.store._listeners
    waited = threading.Event()
    while listeners:  # the stream of an earlier test, whose client has gone
        waited.wait(0.01)
    process = started("tail", "--api-url", api.url, *arguments, stderr=subprocess.PIPE)
    try:
        while not listeners and process.poll() is None:
            waited.wait(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()


def jobs(output):
    return [json.loads(line)["jobId"] for line in output.decode().splitlines()]


def test_it_prints_what_its_terms_find_and_exits_after_so_many(local_events_api):
    with tailing(local_events_api, "--output", "json", "--exit-after", "2", "data.id:7", "topic:policies.*") as process:
        for number in (7, 8, 7):
            post(local_events_api, envelope(data={"id": number}), job=f"job-{number}")
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors, jobs(printed)) == (0, b"", ["job-7", "job-7"])


def test_it_begins_with_the_latest(run, local_events_api):
    for number in range(4):
        post(local_events_api, envelope(data={"id": number}), job=f"job-{number}")
    done = run("tail", "--last", "2", "--exit-after", "2", "--output", "json")
    assert (done.returncode, jobs(done.stdout.encode())) == (0, ["job-2", "job-3"])


def test_a_line_for_people_is_escaped_and_says_why_an_event_was_refused(run, local_events_api):
    with LocalEventsAPI(topics={"DefaultCategory": "policies", "Topics": []}) as api:
        post(api, envelope(data={"id": "\x1b[31m\u202e"}))
        done = run("tail", "--last", "1", "--exit-after", "1", "status:*", BC_EVENTS_API_URL=api.url)
    line = done.stdout.partition(" ")[2]
    assert line.startswith("policies.PolicyCreated  refused: UnknownTopicException: no definitions file has a topic")
    assert line.endswith('the file that defines it; user cognito-1; job job-1; {"id": "\\u001b[31m\\u202e"}\n')


def test_logfmt_quotes_what_it_must(run, local_events_api):
    post(local_events_api, envelope(data={"id": 'a "b"'}), job="a=b")
    done = run("tail", "--last", "1", "--exit-after", "1", "--output", "logfmt")
    assert re.fullmatch(
        r"time=\S+ status=accepted topic=policies.PolicyCreated job=\"a=b\" actor_type=user actor=cognito-1 "
        r'event_id=\S+ data="{\\"id\\": \\"a \\\\\\"b\\\\\\"\\"}"\n',
        done.stdout,
    )


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--exit-after", "1"), 1)])
def test_its_time_ends_it(run, arguments, code):
    done = run("tail", "--timeout", "0.1", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == ("Error: 0 of 1 events came in 0.1 s\n" if code else "")


def test_ctrl_c_ends_it_well(local_events_api):
    with tailing(local_events_api) as process:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0


def test_it_survives_a_restart_of_the_server(tmp_path):
    api = LocalEventsAPI(db=tmp_path / "events.db")
    with api, tailing(api, "--output", "json", "--exit-after", "2") as process:
        post(api, envelope(), job="job-1")
        first = process.stdout.readline()
        api.stop()
        api.start()
        post(api, envelope(), job="job-2")
        assert jobs(first + process.communicate(timeout=60)[0]) == ["job-1", "job-2"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("colour:red",), "position 1 of the filter: there is no field colour; use topic:"),
        (("--job", "nothing"), "nothing came for a job with this id"),
        (("--api-url", "http://127.0.0.1:1"), "no local Events API answers at http://127.0.0.1:1; start one with"),
    ],
)
def test_what_it_cannot_do_is_misuse(run, arguments, error):
    done = run("tail", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr


def test_the_line_of_a_job_has_its_events_and_what_went_wrong(run, local_events_api):
    local_events_api.faults(unavailable={"count": 1})
    for _ in range(2):
        post(local_events_api, envelope(), job="job/7")
    done = run("tail", "--job", "job/7")
    assert done.stdout.startswith("Job job/7 ")
    assert re.search(r"\d+ +│ faulted +│ POST /events -> 503 .*unavailable", done.stdout)
    assert re.search(r"\d+ +│ arrived │ policies.PolicyCreated +│ user cognito-1", done.stdout)
    assert json.loads(run("tail", "--job", "job/7", "--output", "json").stdout)["jobId"] == "job/7"
    assert run("tail", "--job", "job/7", "--output", "logfmt").stdout.count("topic=policies.PolicyCreated") == 1
