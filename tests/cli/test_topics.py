"""`bc-events topics` checks and lists definitions files."""

import json

BAD = """\
DefaultCategory: Policies
Topics:
  - {Action: created, Entity: Policy}
"""


def test_check_says_how_many_topics_a_good_file_has(run, topics):
    done = run("topics", "check", str(topics))
    assert (done.returncode, done.stdout) == (0, f"{topics}: 2 topics, no mistakes\n")


def test_check_lists_every_mistake_with_its_line(run, topics, tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD)
    done = run("topics", "check", "bad.yaml", str(topics))
    assert done.returncode == 1
    assert [line.split(" ")[0] for line in done.stdout.splitlines()[:3]] == [
        "bad.yaml:1:",
        "bad.yaml:3:",
        "bad.yaml:3:",
    ]
    assert done.stdout.endswith("2 topics, no mistakes\n")


UNKNOWN_FORMATS = """\
DefaultCategory: policies
Topics:
  - Action: Created
    Entity: Policy
    Schema:
      properties:
        id: {type: string, format: uuidd}
        format: {type: string, format: date}
        premium: {anyOf: [{type: number}, {type: string, format: money}]}
      patternProperties:
        ^x-: {format: int32}
      examples: [{format: none of this is a schema}]
"""


def test_check_warns_of_formats_that_nothing_checks(run, tmp_path):
    (tmp_path / "topics.yaml").write_text(UNKNOWN_FORMATS)
    done = run("topics", "check", "topics.yaml")
    assert done.returncode == 0
    warnings = [
        line.removeprefix("topics.yaml: warning: policies.PolicyCreated: ") for line in done.stdout.splitlines()
    ]
    assert warnings == [
        "/properties/id: 'uuidd' is a format that is not checked",
        "/properties/premium/anyOf/1: 'money' is a format that is not checked",
        "/patternProperties/^x-: 'int32' is a format that is not checked",
        "topics.yaml: 1 topic, no mistakes",
    ]


def test_a_file_that_is_not_there_is_misuse(run):
    done = run("topics", "check", "nothing.yaml")
    assert done.returncode == 2
    assert "nothing.yaml" in done.stderr


def test_list_shows_each_topic_and_its_call(run, topics):
    shown = run("topics", "list", str(topics)).stdout
    assert "policies.PolicyCreated" in shown
    assert "events.created_policy(…)" in shown
    assert "A quote became a policy" in shown


def test_list_as_json_has_the_schemas(run, topics):
    [policy, invoice] = json.loads(run("topics", "list", "--json", str(topics)).stdout)
    assert policy["calls"] == ["created_policy", "policy_created"]
    assert (invoice["name"], invoice["schema"]) == ("billing.InvoiceSent", True)


def test_list_of_a_bad_file_is_misuse_and_lists_the_mistakes(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD)
    done = run("topics", "list", "bad.yaml")
    assert done.returncode == 2
    assert "line 3: Action is 'created'" in done.stderr
