"""The cost of imports: every cold start of a service pays for an instrumentation library."""

import json
import subprocess
import sys

import pytest

HEAVY = [
    "requests",
    "urllib3",
    "yaml",
    "jsonschema_rs",
    "wrapt",
    "tenacity",
    "starlette",
    "click",
    "asyncio",
    "opentelemetry.sdk",
]


def loaded_by(code):
    report = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "code", ["import bc_events", "from bc_events import events", "from bc_events.events import created_policy, session"]
)
def test_importing_loads_nothing_heavy(code):
    assert loaded_by(code) & set(HEAVY) == set()


def test_a_client_loads_no_http_until_its_first_request():
    topics = {"DefaultCategory": "a", "Topics": [{"Action": "Created", "Entity": "Test", "Schema": True}]}
    code = f"from bc_events import EventClient\nEventClient('https://a.example', 'TestService', {topics!r})"
    assert loaded_by(code) & {"requests", "urllib3", "tenacity", "wrapt"} == set()


def test_every_public_name_exists_and_others_do_not():
    import bc_events

    for name in bc_events.__all__:
        assert getattr(bc_events, name)
    assert set(bc_events.__all__) <= set(dir(bc_events))
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        bc_events.Nothing  # noqa: B018  reading it is the test


def test_completion_offers_the_public_names_alone():
    from bc_events import events

    assert dir(events) == sorted(events.__all__)


def test_threads_that_load_http_at_once_wait_for_each_other():
    command = [sys.executable, "-m", "tests.delivery.first_requests"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
