"""Asks the tools of others about what `bc-events topics export` writes. Needs npm, and cfn-lint of the group `lint`.

python -m tests.contract.official
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema_rs

from bc_events import TopicTable
from bc_events.contract.export.asyncapi import asyncapi
from bc_events.contract.export.cloudformation import cloudformation

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "tests" / "typing" / "policies.yaml",
    *ROOT.glob("docs/examples/*/topics.yaml"),
    ROOT.parent / "shared" / "data" / "github-webhooks" / "topics.yaml",
]


def asyncapi_schema(folder):
    """The official schema of AsyncAPI 3.1, from npm."""
    subprocess.run(["npm", "install", "--silent", "--prefix", folder, "@asyncapi/specs"], check=True, timeout=300)
    schema = json.loads(Path(folder, "node_modules/@asyncapi/specs/schemas/3.1.0.json").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        validator = asyncapi_schema(folder) if shutil.which("npm") else None
        if validator is None:
            print("ASYNCAPI WAS NOT CHECKED: npm is not installed", file=sys.stderr)
        wrong = []
        for file in filter(Path.is_file, FILES):
            table = TopicTable.read(file)
            document = json.loads(json.dumps(asyncapi(table, "Events", "1.0.0"), default=dict))
            for error in validator.iter_errors(document) if validator else ():
                wrong.append(f"{file.name}: AsyncAPI: {error.message[:200]}")
            template = Path(folder, "template.json")
            template.write_text(json.dumps(cloudformation(table, "Events")), encoding="utf-8")
            linter = Path(sys.executable).with_name("cfn-lint")
            done = subprocess.run([linter, template], capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                wrong.append(f"{file.name}: CloudFormation: {done.stdout[:500]}{done.stderr[:500]}")
            print(f"{file.parent.name}/{file.name}: {len(table)} topics")
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
