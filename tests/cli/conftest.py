import io
import sys
from typing import NamedTuple

import pytest

from bc_events.cli import main
from bc_events.local.pytest import local_events_api, local_events_server

__all__ = ["local_events_api", "local_events_server"]

TOPICS = """\
DefaultCategory: policies
Topics:
  - Action: Created
    Entity: Policy
    Description: A quote became a policy
    Schema: {type: object, required: [id], properties: {id: {type: number}}}
  - {Action: Sent, Entity: Invoice, Category: billing, Schema: true}
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def topics(tmp_path):
    file = tmp_path / "topics.yaml"
    file.write_text(TOPICS)
    return file


@pytest.fixture
def run(tmp_path, topics, local_events_api, monkeypatch, capsys):
    """The command with its arguments, standard input and environment, in this process."""

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> Done:
        settings = {
            "BC_EVENTS_API_URL": local_events_api.url,
            "BC_EVENTS_SERVICE_NAME": "PolicyService",
            "BC_EVENTS_TOPICS": str(topics),
        }
        for name, value in {**settings, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Done(ended.value.code, *capsys.readouterr())

    return run
