"""`bc-events outbox relay` and `manage.py bc_events_relay` are one command with two parsers."""

import argparse
import os
import subprocess
import sys

import pytest

from bc_events.cli.relay import relay
from bc_events.outbox._relay.command import OPTIONS

OF_THE_SHELL = {"client", "where", "api_url", "timeout"}
"""Where the outbox and the API are. In Django its settings say that."""


def test_both_have_the_same_options():
    from bc_events.outbox.django.management.commands.bc_events_relay import Command

    parser = argparse.ArgumentParser(add_help=False)
    Command().add_arguments(parser)
    of_django = {action.dest: (action.default or None, action.metavar, action.help) for action in parser._actions}
    of_the_shell = {
        option.name: (option.default or None, option.metavar, option.help)
        for option in relay.params
        if option.name not in OF_THE_SHELL
    }
    assert of_django.keys() == of_the_shell.keys() == {option.name for option in OPTIONS}
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
