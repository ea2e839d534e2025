"""`bc-events topics export` writes each form, as JSON or as YAML."""

import json

import yaml


def test_the_command_writes_json_or_yaml(run, topics, tmp_path):
    assert json.loads(run("topics", "export", "asyncapi", str(topics)).stdout)["asyncapi"] == "3.1.0"
    assert run("topics", "export", "asyncapi", "topics.yaml", "--out", "a.yaml", "--title", "Ours").stdout == ""
    assert yaml.safe_load((tmp_path / "a.yaml").read_text())["info"]["title"] == "Ours"
    assert "AWS::SNS::Topic" in run("topics", "export", "cloudformation", "topics.yaml").stdout
    assert len(json.loads(run("topics", "export", "cloudevents", "topics.yaml").stdout)) == 2
    assert run("topics", "export", "markdown", "topics.yaml").stdout.startswith("# Events\n")
    assert json.loads(run("topics", "export", "metaschema").stdout)["required"] == ["Topics"]
    done = run("topics", "export", "asyncapi")
    assert (done.returncode, "give the definitions file" in done.stderr) == (2, True)
