"""`bc-events demo` runs its scenario and checks it."""

import os
import pty
import re
import signal
import subprocess

import requests

from bc_events.cli.demo import scenario

from .processes import output, started


def test_the_scenario_runs_and_exits_0_in_a_pipe():
    with started("demo", stderr=subprocess.PIPE) as process:
        told, errors = (stream.decode() for stream in process.communicate(timeout=60))
    assert (process.returncode, errors) == (0, "")
    assert "invalid data for billing.InvoiceSent" in told
    assert told.count("POST /events -> 503 (unavailable)") == 3
    assert "dropped: the scope ended with DeclinedError" in told
    assert "flood" not in told.partition("Job ")[2]
    assert "All of it arrived, once" in told


def test_at_a_terminal_it_goes_on_serving_its_page_until_ctrl_c():
    ours, theirs = pty.openpty()
    with started("demo", stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        told, url = b"", None
        for chunk in output(ours):
            told += chunk
            if url is None and b"Ctrl-C ends it" in told:
                url = re.findall(rb"See it at (http://[0-9.:]+)", told)[0].decode()
                assert "9 events" in requests.get(url, timeout=10).text
                process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_an_event_of_the_scenario_that_does_not_arrive_is_a_failure(run, monkeypatch):
    monkeypatch.setattr(scenario, "RENEWAL", (*scenario.RENEWAL, ("policies.PolicyRenewed", "PolicyService")))
    done = run("demo")
    assert done.returncode == 1
    assert "are not those of the scenario" in done.stdout
