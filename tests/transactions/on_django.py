"""Programs on Django: without an outbox, and with DjangoOutbox."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

from django.db import connections, transaction

from bc_events import EventClient
from bc_events.integrations.django import follow_transactions
from bc_events.outbox.django import DjangoOutbox
from tests.django.savepoints import savepoint_create
from tests.outbox import streamed_rows

from .arrivals import Arrivals
from .lanes import TOPICS, Block, Managed
from .parts import Rules, all_of_them
from .programs import BlockExit, Step, Verb


class LowLevelSavepoint:
    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._id = savepoint_create(using=alias)

    def leave(self, block_exit: BlockExit) -> None:
        """Django refuses both while a rollback is due."""
        if block_exit is BlockExit.FORGOTTEN or transaction.get_rollback(using=self._alias):
            return
        end = transaction.savepoint_commit if block_exit is BlockExit.WELL else transaction.savepoint_rollback
        end(self._id, using=self._alias)


class Aliases:
    """Opens blocks in the two databases of one lane."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def begin(self, step: Step) -> Block:
        alias = self._names[step.database]
        if step.verb is Verb.SAVEPOINT:
            return LowLevelSavepoint(alias)
        return Managed(transaction.atomic(using=alias, savepoint=step.verb is not Verb.BEGIN_FLAT))

    def close(self) -> None:
        for alias in self._names.values():
            connections[alias].close()


class Direct:
    """`names` maps the databases of programs to Django's aliases."""

    is_async = False
    rules = Rules(all_of_them, has_low_level_savepoints=True, has_flat_blocks=True)

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self._arrivals = Arrivals()

    def client(self) -> AbstractContextManager[EventClient]:
        self._arrivals = Arrivals()
        return follow_transactions(EventClient(None, "PolicyService", TOPICS, delivery=self._arrivals))

    def databases(self) -> Aliases:
        return Aliases(self._names)

    def arrived(self) -> list[int]:
        return self._arrivals.numbers


class Outbox:
    """On SQLite one transaction at a time can write."""

    is_async = False

    def __init__(self, names: dict[str, str], *, is_on_sqlite: bool) -> None:
        self._names = names
        self._outbox = DjangoOutbox(names["default"])
        self.rules = Rules(
            all_of_them,
            has_low_level_savepoints=True,
            has_flat_blocks=True,
            stores_at_commit=("default",),
            writes_block=is_on_sqlite,
            sends_late=is_on_sqlite,
        )

    def client(self) -> AbstractContextManager[EventClient]:
        return EventClient(None, "PolicyService", TOPICS, outbox=self._outbox)

    def databases(self) -> Aliases:
        return Aliases(self._names)

    def arrived(self) -> list[int]:
        return self._taken("bc_outbox")

    def _taken(self, table: str) -> list[int]:
        with connections[self._names["default"]].cursor() as cursor:
            cursor.execute(f"SELECT payload FROM {table} ORDER BY seq")
            found = [json.loads(payload)["data"]["id"] for (payload,) in cursor.fetchall()]
            cursor.execute(f"DELETE FROM {table}")
        return found


class Stream(Outbox):
    """Rows are inserted and deleted by one transaction; a trigger has noted them."""

    def __init__(self, names: dict[str, str], url: str) -> None:
        super().__init__(names, is_on_sqlite=False)
        self._outbox = DjangoOutbox(names["default"], stream=True)
        streamed_rows.watch(url)

    def arrived(self) -> list[int]:
        assert self._taken("bc_outbox") == []
        return self._taken("seen")
