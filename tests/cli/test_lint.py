"""`bc-events topics lint` prints findings in four forms, and exits as it is told."""

import json

BAD = """\
DefaultCategory: policies
Topics:
  - Action: Create
    Entity: Policy
    Category: policies
    Description: "Odd: 100%"
    Schema: {type: object, required: [id], additionalProperties: false}
"""
FINDINGS = [
    (3, "warning", "present-tense", "Create is not the past of a verb; say what has happened, as Created does"),
    (5, "info", "redundant-category", "policies is the DefaultCategory; leave Category out"),
    (7, "error", "undeclared-required", "id is required and not declared"),
]


def lint(run, tmp_path, *arguments):
    (tmp_path / "bad.yaml").write_text(BAD)
    return run("topics", "lint", "bad.yaml", *arguments)


def test_for_a_person(run, tmp_path):
    done = lint(run, tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"bad.yaml:3: warning[present-tense] policies.PolicyCreate: {FINDINGS[0][3]}",
        f"bad.yaml:5: info[redundant-category] policies.PolicyCreate: {FINDINGS[1][3]}",
        f"bad.yaml:7: error[undeclared-required] policies.PolicyCreate /required: {FINDINGS[2][3]}",
        "bad.yaml: 3 findings",
    ]


def test_as_json(run, tmp_path):
    found = json.loads(lint(run, tmp_path, "--format", "json").stdout)
    assert [(one["line"], one["severity"], one["rule"], one["message"]) for one in found] == FINDINGS
    assert {one["file"] for one in found} == {"bad.yaml"}


def test_as_sarif(run, tmp_path):
    (log,) = json.loads(lint(run, tmp_path, "--format", "sarif").stdout)["runs"]
    rules = log["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in log["results"]] == [name for _, _, name, _ in FINDINGS]
    assert [one["level"] for one in log["results"]] == ["warning", "note", "error"]
    place = log["results"][2]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "bad.yaml"}, "region": {"startLine": 7}}


def test_for_github(run, tmp_path):
    (tmp_path / "a,b.yaml").write_text(BAD.replace("Create", "Create").replace("required: [id]", "required: ['1%']"))
    done = run("topics", "lint", "a,b.yaml", "--format", "github")
    assert done.stdout.splitlines()[2] == (
        "::error file=a%2Cb.yaml,line=7,title=undeclared-required::"
        "policies.PolicyCreate /required: 1%25 is required and not declared"
    )


def test_what_counts_as_failure_can_be_chosen(run, tmp_path):
    assert lint(run, tmp_path, "--fail-on", "never").returncode == 0
    (tmp_path / "pyproject.toml").write_text('[tool.bc_events.lint.severity]\nundeclared-required = "off"\n')
    assert lint(run, tmp_path).returncode == 0
    assert lint(run, tmp_path, "--fail-on", "warning").returncode == 1
    assert lint(run, tmp_path, "--fail-on", "info").returncode == 1


def test_fix_mends_the_file_and_reports_the_rest(run, tmp_path):
    done = lint(run, tmp_path, "--fix")
    assert (tmp_path / "bad.yaml").read_text() == BAD.replace("    Category: policies\n", "")
    assert "redundant-category" not in done.stdout
    assert "bad.yaml: 2 findings" in done.stdout


def test_a_file_that_no_client_would_read_has_its_mistakes_as_findings(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD.replace("Create", "create"))
    done = run("topics", "lint", "bad.yaml")
    assert done.returncode == 1
    assert "bad.yaml:3: error[invalid] Action is 'create'" in done.stdout


def test_it_lists_its_rules(run, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.bc_events.lint.severity]\nopen-object = "error"\n')
    listed = run("topics", "lint", "--rules").stdout
    assert "open-object (error): An object does not say" in listed
    assert "single-type-list (info): A `type` is a list of one. Can be fixed." in listed


def test_it_wants_a_file(run):
    done = run("topics", "lint")
    assert done.returncode == 2
    assert "give the definitions files to look at, or --rules" in done.stderr
