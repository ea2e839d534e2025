"""The guard that counts instructions: which counts pass, and what it says about them."""

import json

import pytest

from tests.benchmarks.instructions import LENGTHS, RENEW, STORED, verdicts
from tests.benchmarks.instructions_work import WORK


@pytest.mark.parametrize("counted", [970, 1_000, 1_030])
def test_a_count_within_3_percent_of_the_stored_one_passes(counted):
    lines, passes = verdicts({"publish": counted}, {"publish": 1_000})
    assert passes
    assert RENEW not in lines[0]


def test_a_count_more_than_3_percent_higher_fails_and_says_how_to_renew_the_figure():
    lines, passes = verdicts({"publish": 1_031, "empty session": 500}, {"publish": 1_000, "empty session": 500})
    assert not passes
    assert lines[0].startswith("publish: 1,031 instructions, stored 1,000 (+3.1%); more than 3% above it.")
    assert RENEW in lines[0]
    assert RENEW not in lines[1]


def test_a_gain_passes_and_asks_to_be_stored():
    """Otherwise a later loss of the same size would pass."""
    lines, passes = verdicts({"publish": 900}, {"publish": 1_000})
    assert passes
    assert RENEW in lines[0]


def test_a_count_without_a_stored_figure_passes_and_says_so():
    lines, passes = verdicts({"publish": 900}, {})
    assert passes
    assert "NO FIGURE IS STORED" in lines[0]


def test_each_build_has_a_figure_for_each_work():
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored
    for figures in stored.values():
        assert figures.keys() == LENGTHS.keys() == WORK.keys()


@pytest.mark.parametrize("work", WORK)
def test_the_counted_work_runs(work):
    assert WORK[work](2) is None
