"""The example services of the documentation pass their own tests, run as their reader runs them."""

import os
import shutil
import subprocess
import sys

import pytest

from .processes import ROOT

EXAMPLES = ROOT / "docs/examples"


@pytest.mark.parametrize("name", ["fastapi", "fastapi_sqlalchemy", "flask", "flask_sqlalchemy", "celery", "lambda"])
def test_an_example_passes_its_tests(name, tmp_path):
    shutil.copytree(EXAMPLES / name, tmp_path, dirs_exist_ok=True)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "bc_events.testing.plugin"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
