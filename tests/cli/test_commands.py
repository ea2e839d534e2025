"""Every command explains itself, and says what it lacks."""

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


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_commands_that_need_another_extra_say_how_to_get_it(command):
    done = without("uvicorn", command)
    assert done.returncode == 2
    assert done.stderr.endswith('run pip install "bc_events[local]"\n')
    assert "Traceback" not in done.stderr
