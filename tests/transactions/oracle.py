"""The oracle: what becomes of each event of a program. Plain Python, to be read beside the rules.

1. An event published while no transaction is open follows its scope: it is sent by a flush, or when the outermost scope
   ends well; a rollback of its scope, or of one around it in the same unit of work, drops it.
2. An event published while a transaction is open is held by it. The commit of the outermost transaction sends it,
   whatever becomes of the scope. Its rollback, or that of the savepoint in which the event was published, drops it. A
   scope that fails, or a rollback by hand, drops its own events that a transaction of the same thread still holds.
3. A flush sends what no open transaction holds, also where it is made inside a transaction that fails later.
   SQLAlchemy: one that is made inside a transaction that writes leaves it to that.
4. A scope with another job is a unit of work of its own.
5. Other threads decide nothing: neither do their transactions nor, about events that a transaction holds, their scopes.
6. Django: an event published while several databases have a transaction open is sent if all of them commit.
   SQLAlchemy: it belongs to the transaction begun last among those that write; one that only reads has no say.
"""

from __future__ import annotations

from .parts import Lane, Level, Published, Rules, Scope, Unit
from .programs import CHILD, MAIN, BlockExit, Step, Verb


class Oracle:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.lanes = {MAIN: Lane()}
        self.events: list[Published] = []
        self.warned = 0

    def with_outcome(self, outcome: str) -> set[int]:
        return {event.number for event in self.events if event.outcome == outcome}

    @property
    def waiting(self) -> set[int]:
        """The events of the main lane's session that are neither sent nor dropped."""
        scope = self.lanes[MAIN].scope
        return {e.number for e in self.events if scope and e.outcome is None and e.scope.is_within(scope)}

    # What a program may do

    def allows(self, step: Step) -> bool:
        """Whether the step means anything here: a program is any list of steps, and those that do not are left out."""
        if step.lane in self.lanes:
            return self._allows(step, self.lanes[step.lane])
        around = self.lanes[MAIN].scope
        return self.rules.has_lanes and around is not None and self._allows(step, Lane(inherited=around))

    def _allows(self, step: Step, lane: Lane) -> bool:
        if self.rules.writes_block and any(
            level.database == "default"
            for number, other in self.lanes.items()
            if number != step.lane
            for level in other.levels
        ):
            return False
        scope, innermost = lane.scope, lane.innermost(step.database)
        match step.verb:
            case Verb.PUBLISH | Verb.FLUSH | Verb.ROLLBACK:
                return scope is not None and scope.is_open
            case Verb.OPEN:
                return scope is None or scope.is_open
            case Verb.BEGIN:
                is_of_reader = innermost is not None and not innermost.writes
                return step.database in self.rules.databases and (
                    self.rules.has_savepoints_of_readers or not is_of_reader
                )
            case Verb.BEGIN_FLAT:
                return self.rules.has_flat_blocks
            case Verb.SAVEPOINT:
                is_open = innermost is not None and not innermost.is_doomed
                return self.rules.has_low_level_savepoints and is_open
            case Verb.LEAVE:
                return bool(lane.blocks) and self._may_leave(lane, lane.blocks[-1], step.block_exit)

    def _may_leave(self, lane: Lane, block: Scope | Level, block_exit: BlockExit) -> bool:
        if isinstance(block, Level):
            return block_exit is not BlockExit.FORGOTTEN or block.is_low_level
        others = [other for other in self.lanes.values() if other is not lane]
        joined = [scope for other in others for scope in other.blocks if isinstance(scope, Scope)]
        return block_exit is not BlockExit.FORGOTTEN and not any(scope.is_within(block) for scope in joined)

    def closing(self) -> Step | None:
        """The next of the steps that end a program: every block is left without an exception."""
        for number in sorted(self.lanes, reverse=True):
            step = Step(Verb.LEAVE, number)
            if self.allows(step):
                return step
        return None

    # What becomes of the events

    def take(self, step: Step) -> None:
        if step.lane not in self.lanes:
            main = self.lanes[MAIN]
            seen = main.levels if self.rules.sees_parents_transactions else []
            self.lanes[CHILD] = Lane(inherited=main.scope, inherited_levels=list(seen))
        lane = self.lanes[step.lane]
        match step.verb:
            case Verb.PUBLISH:
                self._publish(step.lane, lane)
            case Verb.OPEN:
                lane.blocks.append(self._opened(lane.scope, step.job))
            case Verb.BEGIN | Verb.BEGIN_FLAT | Verb.SAVEPOINT:
                lane.blocks.append(self._begun(step, lane.innermost(step.database)))
            case Verb.FLUSH:
                self._flush(lane.scope.unit, lane)
            case Verb.ROLLBACK:
                self._roll_back(lane.scope, step.lane, warns=False)
            case Verb.LEAVE:
                block = lane.blocks.pop()
                if isinstance(block, Scope):
                    self._leave_scope(block, step, lane)
                else:
                    self._leave_level(block, step)

    def _publish(self, number: int, lane: Lane) -> None:
        self.events.append(Published(len(self.events), lane.scope, number, self._holders(lane)))

    def _holders(self, lane: Lane) -> list[Level]:
        inherited = [level for level in lane.inherited_levels if level in self.lanes[MAIN].levels]
        innermost = {level.database + str(level.lane): level for level in [*inherited, *lane.levels]}
        return self.rules.deciding(list(innermost.values()))

    def _opened(self, around: Scope | None, job: str | None) -> Scope:
        if around is not None and job in (None, around.unit.job):
            return Scope(around.unit, around)
        return Scope(Unit(job or (around.unit.job if around is not None else "generated")), None)

    def _begun(self, step: Step, outer: Level | None) -> Level:
        """While a rollback is due, Django makes no savepoints."""
        is_flat = outer is not None and (step.verb is Verb.BEGIN_FLAT or outer.is_doomed)
        writes = step.writes if outer is None else outer.writes
        return Level(
            *(step.lane, step.database, outer, writes),
            is_flat=is_flat,
            is_low_level=step.verb is Verb.SAVEPOINT,
            is_doomed=is_flat and outer.is_doomed,
        )

    def _leave_level(self, level: Level, step: Step) -> None:
        has_failed = step.block_exit is BlockExit.FAILED or level.is_doomed
        if has_failed and level.is_flat:
            level.outer.is_doomed = True
        if level.is_low_level and level.is_doomed:  # left out, because the block around it is rolled back
            level.outer.is_doomed = True
            has_failed = False
        if has_failed and not level.is_flat:
            self._drop([event for event in self.events if level in event.holders and event.outcome is None])
        elif level.outer is not None:
            for event in self.events:
                event.holders = [level.outer if holder is level else holder for holder in event.holders]
        else:
            self._commit(level)

    def _commit(self, level: Level) -> None:
        for event in self.events:
            if event.outcome is None and level in event.holders:
                event.holders.remove(level)
                event.is_committed = not event.holders
                is_stored = level.database in self.rules.stores_at_commit
                if event.is_committed and (is_stored or event.is_due or not event.scope.unit.is_open):
                    event.outcome = "sent"

    def _leave_scope(self, scope: Scope, step: Step, lane: Lane) -> None:
        scope.is_open = False
        if step.block_exit is BlockExit.FAILED:
            self._roll_back(scope, step.lane, warns=True)
        if scope.parent is None:
            scope.unit.is_open = False
            self._flush(scope.unit, lane)

    def _flush(self, unit: Unit, lane: Lane) -> None:
        for event in self.events:
            if event.scope.unit is unit and event.outcome is None:
                event.is_due = True
                if self.rules.entrusts_at_flush and not event.holders and not event.is_committed:
                    event.holders = self._holders(lane)
                event.outcome = None if event.holders else "sent"

    def _roll_back(self, scope: Scope, lane: int, *, warns: bool) -> None:
        own = [e for e in self.events if e.outcome is None and e.scope.is_within(scope) and not e.is_committed]
        elsewhere = [e for e in own if any(holder.lane != lane for holder in e.holders)]
        spared = [] if self.rules.withdraws_across_lanes else elsewhere
        for event in spared:
            event.is_due = True
        self._drop([event for event in own if event not in spared], warns=warns)

    def _drop(self, events: list[Published], *, warns: bool = True) -> None:
        for event in events:
            event.outcome = "dropped"
        self.warned += len(events) if warns else 0
