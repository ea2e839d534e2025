"""Jobs in processes that are forked for them and end with `os._exit`, as RQ's workers do: nothing runs at exit."""

import json
import os
import subprocess
import sys

import pytest

from bc_events.local import LocalEventsAPI

from .conftest import TOPICS

WORKER = """
import os
from bc_events import events

@events.session("job-1")
def job():
    events.created_test({"id": os.getpid()})

job()  # the parent has connections and threads of its own
child = os.fork()
if not child:
    job()
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_job_has_delivered_before_its_process_ends(tmp_path):
    (tmp_path / "topics.json").write_text(json.dumps(TOPICS))
    with LocalEventsAPI() as api:
        settings = {"BC_EVENTS_API_URL": api.url, "BC_EVENTS_SERVICE_NAME": "PolicyService"}
        environment = {**os.environ, **settings, "BC_EVENTS_TOPICS": str(tmp_path / "topics.json")}
        subprocess.run([sys.executable, "-W", "error", "-c", WORKER], env=environment, check=True)
        parent, child = api.events()
    assert parent.data != child.data
    assert parent.job_id == child.job_id == "job-1"
