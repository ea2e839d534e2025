"""Every command explains itself, and says what it lacks."""

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from bc_events import __version__
from bc_events.cli.root import root


def commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, *path, name)


@pytest.mark.parametrize("path", list(commands(root)), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(path):
    shown = CliRunner().invoke(root, [*path, "--help"], prog_name="bc-events").output
    _, found, example = shown.partition("Example:\n")
    assert found, shown
    assert example.strip().startswith(" ".join(("bc-events", *path)))


def test_the_version_is_that_of_the_library():
    assert __version__ in CliRunner().invoke(root, ["--version"]).output


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules[{module!r}] = None; import bc_events.cli; bc_events.cli.main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_its_extra_the_command_says_how_to_get_it(module):
    done = without(module, "demo")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f'Error: the bc-events command needs {module}, which is not installed; run pip install "bc_events[cli]"\n'
    )


def test_django_s_outbox_is_found_where_manage_py_is(tmp_path):
    (tmp_path / "shop_settings.py").write_text(
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n"
        "INSTALLED_APPS = ['bc_events.outbox.django']\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-W", "error", "-c", "import bc_events.cli; bc_events.cli.main()"]
    done = subprocess.run(
        [*command, "outbox", "status", "--outbox", "django"],
        capture_output=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "shop_settings"},
    )
    assert done.stderr.startswith(b"Error: the database has no table bc_outbox of version 2"), done.stderr


@pytest.mark.parametrize("command", [("demo",), ("serve",), ("run", "true")], ids=" ".join)
def test_commands_that_need_another_extra_say_how_to_get_it(command):
    done = without("uvicorn", *command)
    assert done.returncode == 2
    assert done.stderr.endswith('run pip install "bc_events[local]"\n')
    assert "Traceback" not in done.stderr
