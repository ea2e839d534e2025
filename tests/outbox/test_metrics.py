"""The metrics of a relay, of which the documentation lists each."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured_on(outbox) -> dict:
    probe = [sys.executable, "-m", "tests.outbox.metrics_probe", outbox]
    run = subprocess.run(probe, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return {metric["name"].rpartition(".")[2]: metric for metric in json.loads(run.stdout)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measured_on(str(tmp_path_factory.mktemp("metrics") / "events.db"))


def test_the_documentation_lists_just_these_instruments(measured, postgres_url):
    on_postgres = measured_on(postgres_url)
    assert on_postgres.keys() - measured.keys() == {"old_versions", "snapshot_age"}  # SQLite says nothing of these
    page = (ROOT / "docs/how-to/outbox.md").read_text()
    listed = re.findall(r"^\| `(bc_events\.outbox\.[a-z_]+)` \| (counter|gauge), `(.+?)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted((one["name"], one["kind"], one["unit"]) for one in on_postgres.values())


def test_they_count_what_a_relay_did_and_what_waits(measured):
    assert {name: measured[name]["value"] for name in ("sent", "retried", "died", "pending", "dead")} == {
        "sent": 4,
        "retried": 1,
        "died": 1,
        "pending": 1,
        "dead": 1,
    }
    assert measured["oldest_age"]["value"] > 0


def test_they_name_the_outbox_alike_in_every_process(measured):
    """By an address in memory each process would be a series of its own."""
    (name,) = {measured[gauge]["attributes"]["bc_events.outbox"] for gauge in ("pending", "dead", "oldest_age")}
    assert "events.db" in name
    assert "0x" not in name
