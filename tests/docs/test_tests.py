"""Tests that the documentation shows are collected by pytest, and pass."""

import shutil

import pytest

# Loaded first, because a pytest run in this process forgets the modules that it has loaded itself. A later import would
# load them a second time.
import requests  # noqa: F401
import yaml  # noqa: F401

import bc_events.client  # noqa: F401
from bc_events._ambient import default_client
from bc_events.local import LocalEventsAPI  # noqa: F401
from tests.docs.pages import DOCS, TUTORIAL, examples_of

CONFTEST = 'pytest_plugins = ["bc_events.local.pytest"]'


@pytest.mark.parametrize(("page", "count"), [("testing", 7), ("local-api", 2)])
def test_they_pass(page, count, pytester, monkeypatch):
    monkeypatch.setattr(default_client, "_configured", None)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copytree(TUTORIAL, pytester.path, dirs_exist_ok=True)
    pytester.makeconftest(CONFTEST)
    blocks = [example.parsed for example in examples_of(DOCS / f"how-to/{page}.md")]
    pytester.makepyfile("\n".join(block for block in blocks if block.strip() != CONFTEST))
    result = pytester.runpytest_inprocess("-p", "bc_events.testing.plugin", "-p", "_hypothesis_pytestplugin")
    result.assert_outcomes(passed=count)
