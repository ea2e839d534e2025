"""The tutorial, done as its reader does it: files in a folder, and a real Events API."""

import os
import shutil
import subprocess
import sys

from bc_events.local import LocalEventsAPI
from tests.docs.pages import DOCS, TUTORIAL, examples_of


def test_what_the_page_says_arrives(tmp_path):
    shutil.copytree(TUTORIAL, tmp_path, dirs_exist_ok=True)
    *steps, test = [example.parsed for example in examples_of(DOCS / "tutorial.md")]
    with LocalEventsAPI(topics=TUTORIAL / "topics.yaml") as api:
        service = (TUTORIAL / "service.py").read_text(encoding="utf-8").replace("http://127.0.0.1:8026", api.url)
        run(tmp_path, "service.py", service)
        run(tmp_path, "steps.py", "\n".join(steps))
        run(tmp_path, "test_service.py", test, "-m", "pytest", "-q")
        received = api.events()
    assert [(event.topic, event.data.get("premium"), event.actor.type) for event in received] == [
        ("policies.PolicyCreated", 300, "service"),
        ("billing.InvoiceSent", None, "service"),
        ("policies.PolicyCreated", 100, "service"),
        ("billing.InvoiceSent", None, "service"),
        ("policies.PolicyCreated", 450, "user"),
        ("billing.InvoiceSent", None, "user"),
    ]
    assert len({event.job_id for event in received}) == 3


def run(folder, name, code, *options):
    (folder / name).write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "bc_events.testing.plugin"}
    subprocess.run([sys.executable, *options, name], cwd=folder, env=environment, check=True)
