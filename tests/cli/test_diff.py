"""`bc-events topics diff` prints breaks, each with an example, and exits with 1 where there is one."""

import json

NEW = """\
DefaultCategory: policies
Topics:
  - Action: Created
    Entity: Policy
    Description: A quote became a policy
    Schema: {type: object, required: [id], properties: {id: {type: number, minimum: 1}, name: {type: string}}}
  - {Action: Sent, Entity: Invoice, Category: billing, Schema: true}
"""


def test_a_break_is_shown_by_an_example(run, topics, tmp_path):
    (tmp_path / "new.yaml").write_text(NEW)
    done = run("topics", "diff", "new.yaml", "--against", str(topics))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "breaking[backward, minimum_increased] policies.PolicyCreated /id: less than 1 is refused",
        '  for example {"id":0}',
    ]


def test_as_json(run, topics, tmp_path):
    (tmp_path / "new.yaml").write_text(NEW)
    done = run("topics", "diff", "new.yaml", "--against", str(topics), "--json")
    assert json.loads(done.stdout) == [
        {
            "topic": "policies.PolicyCreated",
            "status": "breaking",
            "rule": "minimum_increased",
            "direction": "backward",
            "path": "/id",
            "message": "less than 1 is refused",
            "example": {"id": 0},
        }
    ]


def test_a_change_that_breaks_nobody_is_told_and_is_no_failure(run, topics, tmp_path):
    (tmp_path / "new.yaml").write_text(NEW)
    done = run("topics", "diff", "new.yaml", "--against", str(topics), "--mode", "forward")
    assert (done.returncode, done.stdout) == (
        0,
        "compatible[schema_changed] policies.PolicyCreated: its schema has changed\n",
    )
    assert run("topics", "diff", str(topics), "--against", str(topics)).stdout == "no changes\n"


def test_the_strict_model(run, topics, tmp_path):
    (tmp_path / "new.yaml").write_text(NEW.replace(", minimum: 1", ""))
    assert run("topics", "diff", "new.yaml", "--against", str(topics)).returncode == 0
    done = run("topics", "diff", "new.yaml", "--against", str(topics), "--strict")
    assert done.returncode == 1
    assert "policies.PolicyCreated /name" in done.stdout


def test_a_source_that_is_not_there_is_misuse(run, topics):
    done = run("topics", "diff", str(topics), "--against", "git:main")
    assert done.returncode == 2
    assert "git has no topics.yaml at main" in done.stderr
