"""`bc-events demo` tells its story, and means it."""

import os
import subprocess
import sys

from bc_events.cli.demo import story


def test_the_story_is_told_and_exits_0_in_a_pipe():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "bc_events.cli", "demo"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "billing.InvoiceSent was refused" in done.stdout
    assert done.stdout.count("POST /events -> 503 (unavailable)") == 3
    assert "(1 dropped)" in done.stdout
    assert "flood" not in done.stdout.partition("Job ")[2]
    assert "All of it arrived, once" in done.stdout


def test_an_event_of_the_story_that_does_not_arrive_is_a_failure(run, monkeypatch):
    monkeypatch.setattr(story, "RENEWAL", (*story.RENEWAL, ("policies.PolicyRenewed", "PolicyService")))
    done = run("demo")
    assert done.returncode == 1
    assert "What arrived is not what the story says" in done.stdout
