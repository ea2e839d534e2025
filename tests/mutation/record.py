"""A pytest plugin: coverage notes which tests run a line. `TEST_SECONDS` is the file for the seconds of each test."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from coverage import Coverage

SERVERS = {"postgres", "mariadb"}
START_OF_A_SERVER = 3.0

seconds = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if coverage := Coverage.current():
        coverage.switch_context(item.nodeid)
        of_children = coverage.config.copy()
        of_children.context = item.nodeid
        os.environ["COVERAGE_PROCESS_CONFIG"] = of_children.serialize()
    return (yield)


def pytest_runtest_setup(item):
    """Only the first test of a process that has a server waits for its start."""
    if not SERVERS.isdisjoint(item.fixturenames):
        item.user_properties.append(("server", START_OF_A_SERVER))


def pytest_runtest_logreport(report):
    seconds[report.nodeid] += report.duration
    if report.when == "call":
        seconds[report.nodeid] += dict(report.user_properties).get("server", 0)
    if not report.passed:
        seconds[report.nodeid] += float("inf")  # a test that is skipped or fails notices nothing


def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["TEST_SECONDS"]).write_text(json.dumps(seconds))
