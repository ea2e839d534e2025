"""The module that `bc-events gen` writes, at run time. What type checkers say of it is tested in `tests/typing`."""

import importlib.util
import subprocess
import sys

import pytest

from bc_events import EventClient, EventSession, NoActiveSessionError, TopicTable, UnknownEventNameError, events
from bc_events.contract.typed.typed_calls import typed_calls
from bc_events.contract.typed.typed_module import typed_module
from bc_events.testing import capture_events

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
DEFINITIONS = {
    "DefaultCategory": "policies",
    "Topics": [
        {"Action": "Created", "Entity": "Policy", "Schema": SCHEMA},
        {"Action": "Renewed", "Entity": "Policy", "Schema": SCHEMA},
        {"Action": "Sent", "Entity": "Invoice", "Category": "billing", "Schema": True},
        {"Action": "Sent", "Entity": "Invoice", "Category": "claims", "Schema": True},
    ],
}


def client(table):
    return EventClient("http://events.example", "PolicyService", table)


@pytest.fixture
def table():
    return TopicTable.read(DEFINITIONS)


@pytest.fixture
def module(table, tmp_path):
    """The module, imported from a file."""
    file = tmp_path / "typed_events.py"
    file.write_text(typed_module(table, "topics.yaml", b"definitions"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("typed_events", file)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_its_calls_publish_as_those_of_the_ambient_api(module, table):
    with capture_events() as captured, module.session("job-1", client=client(table)):
        module.created_policy({"id": "a"})
        module.policy_created({"id": "b"})
        module.current_session().renewed_policy({"id": "c"})
    assert [(event.topic.name, event.data["id"]) for event in captured] == [
        ("policies.PolicyCreated", "a"),
        ("policies.PolicyCreated", "b"),
        ("policies.PolicyRenewed", "c"),
    ]


def test_it_has_all_of_the_ambient_api(module):
    assert {name: getattr(module, name) for name in events.__all__} == {
        name: getattr(events, name) for name in events.__all__
    }
    assert module.Session is EventSession


def test_its_errors_are_those_of_the_ambient_api(module):
    with pytest.raises(NoActiveSessionError):
        module.created_policy({"id": "a"})
    with pytest.raises(AttributeError, match="user_context"):
        module.user_contex("ada")
    with pytest.raises(AttributeError, match="CreatedPolicy"):
        module.CreatedPolicy  # noqa: B018  types exist for type checkers alone


def test_a_topic_that_was_added_since_can_be_called_already(module, table):
    more = TopicTable.read(
        {**DEFINITIONS, "Topics": [*DEFINITIONS["Topics"], {"Action": "Lapsed", "Entity": "Policy", "Schema": SCHEMA}]}
    )
    with capture_events() as captured, module.session(client=client(more)):
        module.lapsed_policy({"id": "a"})
    assert len(captured) == 1
    with module.session(client=client(table)), pytest.raises(UnknownEventNameError, match="created_policy"):
        module.creatd_policy({"id": "a"})


def test_importing_it_costs_no_more_than_the_ambient_api(table, tmp_path):
    (tmp_path / "typed_events.py").write_text(typed_module(table, "topics.yaml", b""), encoding="utf-8")
    program = (
        "import sys, bc_events.events as ambient\n"
        "before = set(sys.modules)\n"
        "import typed_events\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['typed_events']\n"


def test_the_same_definitions_make_the_same_text_whatever_ends_their_lines(table):
    unix, windows = (typed_module(table, "t.yaml", content) for content in (b"a\nb\n", b"a\r\nb\r\n"))
    assert unix == windows
    assert unix != typed_module(table, "t.yaml", b"a\nc\n")


def test_equal_data_has_one_class_and_each_topic_its_own_name(table):
    lines = typed_calls(table)
    assert lines.count("class CreatedPolicy(TypedDict):") == 1
    assert "class RenewedPolicy(CreatedPolicy):" in lines


def test_a_call_that_would_be_ambiguous_is_left_out_and_the_types_are_kept(table):
    text = "\n".join(typed_calls(table))
    assert "sent_invoice" not in text
    assert 'SentInvoice: TypeAlias = "Mapping[str, Any]"' in text
    assert "BillingSentInvoice" not in text
    assert 'ClaimsSentInvoice: TypeAlias = "Mapping[str, Any]"' in text


@pytest.mark.parametrize(
    "key", ["class", "two words", "__secret", "str", "Literal", "straße", "", 'a"b', "CreatedPolicy"]
)
def test_any_key_can_be_written(key):
    schema = {"type": "object", "properties": {key: {"enum": ["it's", 'so "so"', "back\\slash"]}}}
    table = TopicTable.read(
        {"DefaultCategory": "policies", "Topics": [{"Action": "Created", "Entity": "Policy", "Schema": schema}]}
    )
    compile("\n".join(typed_calls(table)), "made", "exec")


@pytest.mark.parametrize(
    "text", ['Said "so"', 'ends in "', "ends in \\", 'has """ inside', "two\n\nlines", "\x07", "x" * 300]
)
def test_any_description_can_be_written(text):
    topic = {"Action": "Created", "Entity": "Policy", "Schema": {**SCHEMA, "description": text}, "Description": text}
    table = TopicTable.read({"DefaultCategory": "policies", "Topics": [topic]})
    made = {}
    lines = [line for line in typed_calls(table) if "_live" not in line]
    exec("from __future__ import annotations\n" + "\n".join(lines), made)
    expected = " ".join(text.split())
    for documented in (made["CreatedPolicy"], made["Session"].created_policy):
        assert " ".join(documented.__doc__.split()) == expected
