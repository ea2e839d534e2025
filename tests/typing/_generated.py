"""Checks what `bc-events gen` makes of much: real topics, random schemas, and what an editor shows of a module.

Each function returns what is wrong, and nothing if all is right.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from bc_events import TopicTable
from bc_events.contract.typed.stub_overlay import stub_overlay
from bc_events.contract.typed.typed_module import typed_module
from tests.contract.typed.schemas import schemas

_TOOLS = Path(sys.executable).parent
_HERE = Path(__file__).parent
_DATA = _HERE.parents[2] / "shared" / "data" / "github-webhooks"
_CHECKERS = {
    "mypy": ("mypy", "--strict", "--no-error-summary", "."),
    "pyright": ("pyright", "--pythonpath", sys.executable, "."),
    "pyrefly": ("pyrefly", "check", "--output-format", "min-text", "--python-interpreter-path", sys.executable),
}
_GENERATING = settings(
    max_examples=200,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
_STRICT = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "stubPath": "stubs"}


def _reports(folder: Path) -> dict[str, str]:
    """What each checker says of the modules in a folder; empty where it finds nothing."""
    (folder / "pyrightconfig.json").write_text(json.dumps(_STRICT), encoding="utf-8")
    said = {}
    for name, (command, *arguments) in _CHECKERS.items():
        ended = subprocess.run(
            [_TOOLS / command, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300
        )
        said[name] = "" if ended.returncode == 0 else ended.stdout + ended.stderr
    return said


def _first_lines(reports: dict[str, str]) -> str:
    return "\n".join(f"{name}: {line}" for name, said in reports.items() for line in said.splitlines()[:8])


def real_topics() -> str:
    """67 topics of GitHub's webhooks: three checkers accept the module, and each valid payload that was recorded."""
    if not _DATA.is_dir():
        print(f"NO REAL TOPICS WERE CHECKED: {_DATA} is absent")
        return ""
    definitions = _DATA / "topics.yaml"
    table = TopicTable.read(definitions)
    module = typed_module(table, definitions.name, definitions.read_bytes())
    lines = module.count("\n")
    recorded = [json.loads(line) for line in (_DATA / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    valid = [one for one in recorded if one["valid"]]

    def call(one: dict[str, Any], **others: Any) -> str:
        name = table.find(None, one["entity"], one["action"]).magic_names[0]
        return f"events.{name}({ {**one['data'], **others}!r})"

    calls = [call(one) for one in valid]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "events.py").write_text(module, encoding="utf-8")
        Path(folder, "calls.py").write_text("\n".join(["import events", *calls, ""]), encoding="utf-8")
        reports = _reports(Path(folder))
        Path(folder, "calls.py").write_text(f"import events\n{call(valid[0], sendr={})}\n", encoding="utf-8")
        of_wrong = _reports(Path(folder))
    print(f"real topics: {len(table)} topics, {lines:,} lines, {len(calls)} payloads")
    unnoticed = [f"{name} accepts a wrong key" for name, said in of_wrong.items() if "sendr" not in said]
    too_long = [f"{lines:,} lines are more than a third of 17,350"] if lines * 3 > 17_350 else []
    return "\n".join([*filter(None, [_first_lines(reports)]), *unnoticed, *too_long])


def random_schemas() -> str:
    """Schemas of every form that the tests can think of: the module has no mistake."""
    drawn: list[Any] = []

    @settings(_GENERATING)
    @given(schemas())
    def draw(schema: Any) -> None:
        drawn.append(schema)

    draw()
    entities = map("".join, product(ascii_uppercase, ascii_lowercase))
    topics = [{"Action": "Made", "Entity": next(entities), "Schema": schema} for schema in drawn]
    written = yaml.safe_dump({"DefaultCategory": "random", "Topics": topics}).encode()
    with tempfile.TemporaryDirectory() as folder:
        definitions = Path(folder, "topics.yaml")
        definitions.write_bytes(written)
        table = TopicTable.read(definitions)
        Path(folder, "events.py").write_text(typed_module(table, "topics.yaml", written), encoding="utf-8")
        print(f"random schemas: {len(table)}")
        return _first_lines(_reports(Path(folder)))


def stubs() -> str:
    """The stub package: pyright takes it from its stubs' folder, and finds a misspelt call of the ambient API."""
    definitions = _HERE / "policies.yaml"
    files = stub_overlay(TopicTable.read(definitions), definitions.name, definitions.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "stubs", "bc_events-stubs")
        package.mkdir(parents=True)
        for name, text in files.items():
            (package / name).write_text(text, encoding="utf-8")
        Path(folder, "calls.py").write_text(
            "from bc_events import EventClient, events\n"
            "client = EventClient('log:', 'S', {})\n"
            "with events.session('job', client=client) as session:\n"
            "    events.renewed_policy({'id': 'a'})\n"
            "    events.renwed_policy({'id': 'a'})\n"
            "    events.renewed_policy({'id': 1})\n",
            encoding="utf-8",
        )
        said = _reports(Path(folder))["pyright"]
    expected = ['5:12 - error: "renwed_policy" is not a known attribute', "6:34 - error: Argument of type"]
    others = [line for line in said.splitlines() if " error: " in line and not any(part in line for part in expected)]
    others = [line for line in others if 'Type of "renwed_policy" is unknown' not in line]
    return "\n".join([*(f"not reported: {part}" for part in expected if part not in said), *others])


_EDITED = """\
import policy_events as events
events.created_
events.created_policy({"id": "a", "lines": [], "state": "", "": 1})
events.created_policy({"id": "a", "lines": [{"": 1}], "state": "active"})
"""
_WANTED = {
    "events": ((1, 15), {"created_policy"}),
    "values of an enum": ((2, 58), {"active", "cancelled"}),
    "keys": ((2, 61), {"holder", "payer", "tags"}),
    "nested keys": ((3, 47), {"code", "premium"}),
}


def completions() -> str:
    """What pyright's language server proposes in the module's calls: events, keys, nested keys and values."""
    return asyncio.run(_completions())


def _configuration(parameters: lsp.ConfigurationParams) -> list[dict[str, Any]]:
    return [{"pythonPath": sys.executable} for _ in parameters.items]


def _ignored(_: object) -> None:
    """Takes a message of the server that says nothing of completions."""


async def _completions() -> str:
    with tempfile.TemporaryDirectory() as folder:
        module = (_HERE / "policy_events.py").read_text(encoding="utf-8")
        Path(folder, "policy_events.py").write_text(module, encoding="utf-8")
        edited = Path(folder, "edited.py")
        edited.write_text(_EDITED, encoding="utf-8")
        client: Any = LanguageClient("bc_events", "1")  # parts of it have no types

        client.feature(lsp.WORKSPACE_CONFIGURATION)(_configuration)
        for noise in ("window/logMessage", "textDocument/publishDiagnostics"):
            client.feature(noise)(_ignored)
        await client.start_io(str(_TOOLS / "pyright-langserver"), "--stdio")
        capabilities = lsp.ClientCapabilities(workspace=lsp.WorkspaceClientCapabilities(configuration=True))
        root = lsp.WorkspaceFolder(Path(folder).as_uri(), "service")
        await client.initialize_async(lsp.InitializeParams(capabilities=capabilities, workspace_folders=[root]))
        client.initialized(lsp.InitializedParams())
        document = lsp.TextDocumentItem(edited.as_uri(), "python", 1, _EDITED)
        client.text_document_did_open(lsp.DidOpenTextDocumentParams(document))
        missing = []
        for what, ((line, column), wanted) in _WANTED.items():
            where = lsp.CompletionParams(lsp.TextDocumentIdentifier(edited.as_uri()), lsp.Position(line, column))
            answer = await client.text_document_completion_async(where)
            items = answer.items if isinstance(answer, lsp.CompletionList) else answer or []
            found = {item.label.strip("\"'") for item in items}
            if not wanted <= found:
                missing.append(f"{what}: {sorted(wanted - found)} not proposed, but {sorted(found)[:8]}")
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
    return "\n".join(missing)
