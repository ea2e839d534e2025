"""`bc-events topics infer` prints a draft or writes it, and keeps a file that exists."""

from bc_events import TopicTable

LINE = b'{"action": "Created", "entity": "Policy", "data": {"a": 1}}\n'


def test_it_writes_a_draft_and_keeps_a_file_that_exists(run, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(LINE)
    arguments = ("topics", "infer", "events.jsonl", "--out", "draft.yaml")
    assert run(*arguments).returncode == 0
    assert list(TopicTable.read(tmp_path / "draft.yaml")) == ["events.PolicyCreated"]
    (tmp_path / "draft.yaml").write_text("kept")
    done = run(*arguments)
    assert (done.returncode, "draft.yaml exists already; write the draft to another file" in done.stderr) == (2, True)
    assert (tmp_path / "draft.yaml").read_text() == "kept"


def test_it_reads_standard_input_and_prints(run):
    assert run("topics", "infer", "-", stdin=LINE).stdout.startswith("# DRAFT")


def test_a_line_that_is_no_event_is_misuse(run):
    done = run("topics", "infer", "-", stdin=b"[]\n")
    assert (done.returncode, "line 1 is no event" in done.stderr) == (2, True)
