"""The verdicts of `python -m tests.faults`: what it must not call held."""

import io

import pytest
from rich.console import Console

from tests.faults import matrix
from tests.faults.result import Result, judged


class NoWorld:
    """For rows that need none."""

    def begin(self, name: str) -> None:
        """Nothing is there to be cleared."""


def run(**rows) -> int:
    return matrix.run(rows, NoWorld(), Console(file=io.StringIO()))


def held(_world=None) -> Result:
    result = judged({"a", "b"}, ["a", "b"], 0)
    result.inject(3, "kills", least=3)
    return result


def injected(result: Result) -> Result:
    result.inject(1, "kills", least=1)
    return result


def test_what_arrived_once_and_under_faults_is_held():
    assert held().misses == []
    assert run(one=held) == 0


@pytest.mark.parametrize(
    ("received", "miss"),
    [(["a"], "1 lost"), (["a", "b", "c"], "1 ghosts"), (["a", "b", "b"], "1 doubled")],
    ids=["lost", "ghost", "duplicate"],
)
def test_each_event_that_is_lost_invented_or_doubled_is_a_miss(received, miss):
    result = injected(judged({"a", "b"}, received, 0))
    assert result.misses == [miss]
    assert run(bad=lambda _world: result, good=held) == 1


def test_a_double_that_the_contract_allows_is_none():
    assert injected(judged({"a"}, ["a", "a"], 0, may_double=True)).misses == []


def test_a_repeat_that_the_server_recognised_is_counted_and_no_double():
    result = injected(judged({"a"}, ["a"], 7))
    assert (result.repeated, result.doubled, result.misses) == (7, 0, [])


def test_a_row_that_sent_nothing_is_a_miss():
    assert injected(judged(set(), [], 0)).misses == ["nothing was sent"]


def test_a_row_without_its_faults_is_a_miss():
    assert judged({"a"}, ["a"], 0).misses == ["no fault was injected"]


def test_a_row_with_too_few_faults_is_a_miss():
    result = judged({"a"}, ["a"], 0)
    result.inject(19, "kills", least=20)
    assert result.misses == ["19 faults injected in place of 20"]


def test_a_row_that_demands_no_fault_is_a_miss():
    result = judged({"a"}, ["a"], 0)
    result.inject(5, "kills", least=0)
    assert result.misses


def test_a_row_that_breaks_off_is_a_miss(capsys):
    def broken(_world):
        raise ZeroDivisionError

    assert run(broken=broken, good=held) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
