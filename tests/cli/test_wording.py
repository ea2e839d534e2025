"""The command's messages are safe to print at a terminal, and can be followed by a user who writes no Python."""

import json
import os
import subprocess
import sys

import pytest

from bc_events.cli.error_text import with_options
from bc_events.cli.escaping import escaped, json_text, on_one_line

HOSTILE = "\x1b]0;PWNED\x1b\\\x07\r\x9b2J\u202e\nFORGED"
EVENT = ("created_policy", '{"id": 1}')
PYTHON = ("resend", "None", "auth=", "api_url", "service_name", "(", "string")
"""Words for people who write Python."""


def is_clean(text: str) -> bool:
    return text.replace("\n", "").isprintable() and "\nFORGED" not in text


def topics_with(schema, description="d"):
    created = {"Action": "Created", "Entity": "Policy", "Description": description, "Schema": schema}
    return json.dumps({"DefaultCategory": "policies", "Topics": [created]})


def test_control_and_invisible_characters_are_escaped_and_umlauts_are_not():
    assert escaped("a\nb\x1b\x9b\u202eü" + "x" * 500) == "a\\nb\\x1b\\x9b\\u202eü" + "x" * 500
    assert on_one_line("refused:\n  (detail)\x1b\r") == "refused: (detail)\\x1b"


def test_json_is_the_same_value_without_control_characters():
    value = {"\x9b\x7f": HOSTILE, "name": "Ünal \U000e0001 \U0001f600"}
    assert is_clean(json_text(value))
    assert json.loads(json_text(value)) == value
    assert "Ünal" in json_text(value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("topics", "list", "topics.yaml"),
        ("topics", "list", "topics.yaml", "--json"),
        ("topics", "check", "topics.yaml"),
        ("topics", "list", "bad.yaml"),
        ("topics", "check", "bad.yaml"),
        ("topics", HOSTILE),
        ("topics", "list", HOSTILE),
        ("topics", "list", "topics.yaml", f"--{HOSTILE}"),
        ("publish", HOSTILE, "{}"),
        ("publish", "created_policy", json.dumps({HOSTILE: "x"})),
        ("publish", *EVENT, "--job-id", HOSTILE),
        ("publish", *EVENT, "--user", HOSTILE),
        ("publish", *EVENT, "--service", HOSTILE),
        ("publish", *EVENT, "--api-url", HOSTILE),
        ("publish", *EVENT, "--client", HOSTILE + ":client"),
        ("publish", "--file", "lines.jsonl"),
        ("publish", *EVENT, "--topics", "bad.yaml"),
        ("serve", "--topics", "bad.yaml"),
        ("serve", "--db", HOSTILE + "/x"),
        ("serve", "--port", HOSTILE),
    ],
    ids=lambda arguments: ascii(" ".join(arguments))[:40],
)
def test_nothing_from_outside_moves_the_cursor_or_forges_a_line(run, tmp_path, arguments):
    good = topics_with({"properties": {HOSTILE: {"format": HOSTILE}}, "additionalProperties": False}, HOSTILE)
    (tmp_path / "topics.yaml").write_text(good)
    (tmp_path / "bad.yaml").write_text(topics_with({"type": HOSTILE, "properties": {HOSTILE: {"type": 3}}}))
    (tmp_path / "lines.jsonl").write_text(
        "".join(json.dumps({"name": name, "data": {HOSTILE: 1, "\x1b": 2}}) + "\n" for name in (HOSTILE, EVENT[0]))
    )
    done = run(*arguments, BC_EVENTS_TOPICS=str(tmp_path / "topics.yaml"))
    assert is_clean(done.stdout + done.stderr), ascii(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr


def test_an_outbox_shows_no_control_characters_of_its_events(run):
    data = json.dumps({"id": 1, "note": HOSTILE}, ensure_ascii=False)
    dead = {"BC_EVENTS_API_URL": "http://127.0.0.1:1", "BC_EVENTS_OUTBOX": "events.db"}
    assert run("publish", "created_policy", data, **dead).returncode == 0
    done = run("outbox", "show", "--payload", **dead)
    assert is_clean(done.stdout), ascii(done.stdout)
    assert json.loads(done.stdout)["envelope"]["data"]["note"] == HOSTILE


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--api-url", "nonsense"), "https://api.mysite.britecore.com"),
        (("--api-url", "LOG:"), "log: to check"),
        (("--api-url", "https://user:secret@api.example"), "--client"),
        (("--api-url", "https://api.example/?secret=1"), "before /events"),
        (("--service", "abc"), "5 printable characters"),
        (("--service", "Policy\x1bService"), "printable characters"),
        (("--user", "abcd"), "5 characters or more"),
        (("--job-id", "a b"), "visible ASCII"),
        (("--job-id", ""), "1 to 255"),
        (("--job-id", "x" * 256), "1 to 255"),
        (("--client", "nothing"), "myservice.events:client"),
        (("--client", "nothing:client"), "there is no module nothing; start the command in the folder"),
        (("--client", "json.nothing:client"), "there is no module json.nothing"),
        (
            ("--client", "needy:client"),
            "import of needy failed with ModuleNotFoundError: No module named 'absent_module'",
        ),
        (("--client", "leaving:client"), "import of leaving failed with SystemExit"),
        (("--client", "service:clinet"), "did you mean service:client?"),
        (("--client", "json:dumps"), "dumps is a function, not an EventClient"),
        (("--client", "json:dumps", "--service", "PolicyService", "--topics", "topics.yaml"), "--service and --topics"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else None,
)
def test_a_wrong_option_is_named_with_a_remedy_and_no_python(run, tmp_path, options, remedy):
    (tmp_path / "needy.py").write_text("import absent_module\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit\n")
    (tmp_path / "service.py").write_text(
        "from bc_events import EventClient\nclient = EventClient('log:', 'PolicyService', 'topics.yaml')\n"
    )
    done = run("publish", *EVENT, *options)
    said = done.stderr.partition("Error: ")[2]
    assert done.returncode == 2
    assert options[0] in said
    assert remedy in said
    assert "secret" not in said
    spoken = said.replace("--api-url", "").replace("python -c", "")
    if options[0] != "--client":
        spoken = spoken.replace("(env var: ", "")
        assert not [word for word in PYTHON if word in spoken]


def test_an_event_that_does_not_arrive_says_what_to_do_at_a_shell(run, tmp_path, local_events_api):
    (tmp_path / "impatient.py").write_text(
        "from bc_events import EventClient\n"
        "client = EventClient('http://127.0.0.1:1', 'PolicyService', 'topics.yaml', retry_budget=0)\n"
    )
    local_events_api.faults(too_large={"count": 2})
    refused = run("publish", *EVENT)
    assert (refused.returncode, "was refused: HTTP 413" in refused.stderr) == (1, True)
    assert "refuses it for good" in refused.stderr
    unsent = run("publish", *EVENT, "--client", "impatient:client")
    assert (unsent.returncode, "was not sent: no answer from POST" in unsent.stderr) == (1, True)
    wrong = run("publish", *EVENT, BC_EVENTS_API_URL=f"{local_events_api.url}/v1")
    assert (wrong.returncode, f"POST {local_events_api.url}/v1/events" in wrong.stderr) == (1, True)
    assert "check the path in --api-url" in wrong.stderr
    assert "resend" not in refused.stderr + unsent.stderr + wrong.stderr


def test_the_words_for_python_become_options():
    assert with_options("check the path in api_url") == "check the path in --api-url"
    assert with_options("check the credentials (auth)") == (
        "check the credentials (the auth of a client that --client names)"
    )
    assert with_options("my_api_url of the author\x1b") == "my_api_url of the author\\x1b"


def test_numbers_agree_with_their_nouns(run, local_events_api, tmp_path):
    (tmp_path / "two.jsonl").write_text('{"name": "created_policy", "data": {"id": 1}}\n' * 2)
    local_events_api.faults(too_large={"records": 1})
    one, two = run("publish", *EVENT).stderr, run("publish", "--file", "two.jsonl").stderr
    assert "policies.PolicyCreated was refused: HTTP 413" in one
    assert two.startswith("lines 1-2: refused: ")
    (tmp_path / "bad.jsonl").write_text("[]\n")
    assert "1 of 1 line is bad" in run("publish", "--file", "bad.jsonl").stderr
    local_events_api.faults()
    assert run("publish", "--file", "-", stdin=b'{"name": "sent_invoice", "data": {"a": 1}}').stdout.startswith(
        "1 of 1 event delivered"
    )
    assert "refuses them for good" in two


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "nan"),
        ("serve", "--port", "inf"),
        ("serve", "--port", "-1"),
        ("serve", "--port", "9" * 30),
        ("serve", "--port", "65536"),
        ("serve", "--seed", "nan"),
        ("serve", "--seed", "-1"),
        ("serve", "--seed", "9" * 5000),
        ("demo", "--port", "nan"),
        ("demo", "--port", "-1"),
        ("demo", "--port", "9" * 5000),
        ("topics", "list", "topics.yaml", "--json=3"),
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_a_number_that_cannot_be_meant_is_misuse(run, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr


def test_an_output_that_takes_ascii_alone_gets_the_rest_escaped(tmp_path):
    (tmp_path / "topics.yaml").write_text(topics_with(True, "Prämie 保険"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bc_events", "topics", "list", str(tmp_path / "topics.yaml")],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=60,
        check=True,
    )
    assert b"Pr\\xe4mie" in done.stdout


def test_the_package_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "bc_events", "publish", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("Usage: bc-events publish")
