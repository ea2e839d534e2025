"""`bc-events gen` writes typed calls, and says whether they are up to date."""

from bc_events import TopicTable
from bc_events.contract.typed.typed_module import typed_module


def test_it_writes_the_module(run, topics, tmp_path):
    done = run("gen", str(topics), "--out", "service/events.py")
    assert (done.returncode, done.stdout) == (0, "service/events.py: 2 topics\n")
    written = (tmp_path / "service" / "events.py").read_bytes()
    assert written.decode() == typed_module(TopicTable.read(topics), "topics.yaml", topics.read_bytes())
    assert b"A quote became a policy" in written


def test_check_writes_nothing_and_fails_where_a_file_is_missing_or_old(run, topics, tmp_path):
    arguments = ("gen", "topics.yaml", "--out", "events.py", "--stubs", "stubs")
    assert run(*arguments, "--check").returncode == 1
    assert not (tmp_path / "events.py").exists()
    assert run(*arguments).returncode == 0
    assert run(*arguments, "--check").returncode == 0
    topics.write_text(topics.read_text() + "  - {Action: Paid, Entity: Invoice, Schema: true}\n")
    done = run(*arguments, "--check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{path} is not up to date with topics.yaml; run this command without --check"
        for path in ("events.py", "stubs/bc_events-stubs/__init__.pyi", "stubs/bc_events-stubs/events.pyi")
    ]


def test_it_wants_a_place_to_write(run):
    done = run("gen", "topics.yaml")
    assert done.returncode == 2
    assert "give --out FILE for a module, --stubs FOLDER for stubs, or both" in done.stderr


def test_mistakes_in_the_definitions_are_named_and_nothing_is_written(run, topics, tmp_path):
    topics.write_text("DefaultCategory: policies\nTopics:\n  - {Action: created, Entity: Policy, Schema: true}\n")
    done = run("gen", "topics.yaml", "--out", "events.py")
    assert done.returncode == 2
    assert "Action is 'created'" in done.stderr
    assert not (tmp_path / "events.py").exists()
