"""The verdicts of `python -m tests.faults`: the results that it must not accept."""

import io

import pytest
from rich.console import Console

from tests.faults import matrix
from tests.faults.__main__ import main
from tests.faults.dose import LONG, SHORT
from tests.faults.result import HEADINGS, Result, judged


class NoWorld:
    """For rows that need none."""

    def __init__(self, dose=SHORT, seed=0):
        self.dose = dose
        self.seed = seed

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        """Nothing was opened."""

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


def missed(_world) -> Result:
    return injected(judged({"a", "b"}, ["a"], 0))


def test_the_exit_code_is_1_where_a_row_missed_and_0_where_all_held(capsys):
    assert main([], {"good": held, "bad": missed}, NoWorld) == 1
    assert main([], {"good": held}, NoWorld) == 0
    assert "bad: MISS: 1 lost" in capsys.readouterr().out


def test_a_seed_is_printed_and_makes_the_same_world_again(capsys):
    worlds = []

    def row(world) -> Result:
        worlds.append(world)
        return held()

    main([], {"row": row}, NoWorld)
    printed = capsys.readouterr().out.split()[1]
    main(["--seed", printed], {"row": row}, NoWorld)
    assert [world.seed for world in worlds] == [int(printed)] * 2


def test_the_dose_is_the_short_one_unless_the_long_one_is_asked_for():
    doses = []

    def row(world) -> Result:
        doses.append(world.dose)
        return held()

    main([], {"row": row}, NoWorld)
    main(["--long"], {"row": row}, NoWorld)
    assert doses == [SHORT, LONG]


def test_each_row_prints_what_became_of_its_events(capsys):
    """The server had b twice; two more repeats it recognised."""

    def row(_world) -> Result:
        result = judged({"a", "b", "c"}, ["a", "b", "b", "d"], 2)
        result.inject(7, "kills", least=7)
        return result

    main([], {"row": row}, NoWorld)
    printed = capsys.readouterr().out
    headings, cells = (
        [cell.strip() for cell in line[1:-1].replace("┃", "│").split("│")]
        for line in printed.splitlines()
        if line[:1] in "┃│" and ("sent" in line or "kills" in line)
    )
    assert headings == list(HEADINGS)
    assert cells == ["row", "3", "7", "kills", "2", "1", "1", "3", "1", "MISS: 1 lost; 1 ghosts; 1 doubled"]


def test_a_choice_that_leaves_no_row_is_refused():
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "nothing of that name"], {"row": held}, NoWorld)


def test_rows_that_are_left_out_are_named(capsys):
    assert main(["--without", "bad"], {"good": held, "bad": missed}, NoWorld) == 0
    assert "LEFT OUT, as asked: bad" in capsys.readouterr().out


def test_both_doses_hold_as_many_faults_as_are_promised():
    assert (SHORT.relay_kills, SHORT.producer_kills, SHORT.database_kills) == (20, 40, 2)
    assert (LONG.relay_kills, LONG.producer_kills, LONG.database_kills) == (200, 200, 20)
    assert (SHORT.stops, SHORT.exits, SHORT.loop_seconds) == (2, 10, 10.0)
    assert (LONG.stops, LONG.exits, LONG.loop_seconds) == (20, 100, 60.0)
    assert SHORT.outages == (3.0, 3.0)
    assert max(LONG.outages) == 600.0
    assert SHORT.per_server == LONG.per_server == 200


@pytest.mark.parametrize("dose", [SHORT, LONG], ids=["short", "long"])
def test_each_dose_has_an_outage_of_either_status(dose):
    """503 and 429 take turns."""
    assert len(dose.outages) >= 2
