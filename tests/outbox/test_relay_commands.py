"""Commands of `bc-events outbox` that `manage.py` has too are one command with two parsers."""

import argparse
import importlib
import os
import subprocess
import sys

import pytest

from bc_events.cli.outbox import show_history
from bc_events.cli.relay import relay
from bc_events.outbox._relay.command import OPTIONS
from bc_events.outbox._store import history

OF_THE_SHELL = {"client", "where", "api_url", "timeout", "keep"}
"""Where the outbox and the API are. In Django its settings say that."""


@pytest.mark.parametrize(
    ("django", "shell", "options"),
    [("bc_events_relay", relay, OPTIONS), ("bc_events_history", show_history, history.OPTIONS)],
)
def test_both_have_the_same_options(django, shell, options):
    commands = importlib.import_module(f"bc_events.outbox.django.management.commands.{django}")
    parser = argparse.ArgumentParser(add_help=False)
    commands.Command().add_arguments(parser)
    of_django = {
        action.dest: (action.default or None, action.metavar, action.help)
        for action in parser._actions
        if action.option_strings
    }
    of_the_shell = {
        option.name: (option.default or None, option.metavar, option.help)
        for option in shell.params
        if option.name not in {*OF_THE_SHELL, "ids"}
    }
    assert of_django.keys() == of_the_shell.keys() == {option.name for option in options}
    for name, (default, metavar, text) in of_django.items():
        assert of_the_shell[name][:2] == (default, metavar)
        assert text.startswith(of_the_shell[name][2])


@pytest.mark.parametrize(("option", "number"), [("--lease", "nan"), ("--lease", "1e300"), ("--workers", "9" * 20)])
def test_a_number_that_cannot_be_meant_is_a_usage_error_of_django_s_command(option, number):
    done = subprocess.run(
        [sys.executable, "-m", "django", "bc_events_relay", option, number],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert f"argument {option}: '{number}' is not a" in done.stderr
    assert "Traceback" not in done.stderr
