"""Payloads that are encrypted while they are stored."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from bc_events.errors import OutboxError
from bc_events.outbox._sql.table import TableStore
from bc_events.outbox._store.sealing import Sealing
from bc_events.outbox._store.store import Settlement
from tests.outbox.rows import claimed, ids, row, rows_of, shape

SECRET = '{"action":"Created","data":{"name":"Jane Doe"}}'


def sealing(key) -> Sealing:
    return Sealing(key.encrypt, key.decrypt)


def sealed(store, key, **options) -> TableStore:
    return TableStore(store._database, sealing=sealing(key), **options)


def everything(store) -> str:
    """All that the database has in the outbox's tables."""
    found = []
    with store._database.transaction() as transaction:
        for table in ("bc_outbox", "bc_outbox_sent"):
            found += transaction.run(f"SELECT * FROM {table}")
    return repr(found)


@pytest.mark.parametrize("order", ["time", "job"])
def test_a_sealed_event_is_sent_as_it_was_and_stored_as_nobody_can_read_it(store, order):
    key = Fernet(Fernet.generate_key())
    kept = sealed(store, key, keep=3600.0)
    plain = row(1, payload=SECRET)
    kept.add([plain])
    assert "Jane" not in everything(store)
    (shown,) = kept.show()
    assert shown.is_sealed
    assert "Jane" not in repr(shown)
    claim = claimed(kept, order=order)
    assert [body for _, body in shape(claim)] == [SECRET.encode()]
    kept.settle(claim.lease, Settlement(rows_of(claim)))
    (found,) = kept.history()
    assert "Jane" not in everything(store) + repr(found)
    assert kept.opened(found.payload) == SECRET


def test_a_row_that_was_stored_before_there_was_a_seal_is_sent_as_it_is(store):
    stored = row(1)
    store.add([stored])
    kept = sealed(store, Fernet(Fernet.generate_key()))
    assert [body for _, body in shape(claimed(kept))] == [stored.envelope]


def test_a_row_that_cannot_be_opened_is_dead_with_a_reason_and_replays_with_the_key(store):
    lost, present = Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())
    unlucky, lucky = row(1, payload=SECRET), row(2)
    sealed(store, lost).add([unlucky])
    kept = sealed(store, present)
    kept.add([lucky])
    claim = claimed(kept)
    assert ids(rows_of(claim)) == [lucky.id]
    (dead,) = kept.show(dead=True)
    assert (dead.id, dead.last_error) == (unlucky.id, claim.dead[0].reason)
    assert "cannot be opened (InvalidToken); give the outbox the key" in dead.last_error
    assert kept.replay([unlucky.id]) == 1
    assert shape(claimed(sealed(store, lost)))[0][1] == SECRET.encode()


def test_a_relay_without_a_key_kills_nothing(store):
    """It was configured wrongly, and says so. Another relay has the key."""
    key = Fernet(Fernet.generate_key())
    sealed(store, key).add([row(1, payload=SECRET)])
    with pytest.raises(OutboxError, match=r"open=.*--client"):
        claimed(store)
    assert (store.stats().pending, store.stats().leased, store.stats().dead) == (1, 0, 0)
    assert len(claimed(sealed(store, key)).requests) == 1


def test_a_key_that_is_out_of_reach_for_now_kills_nothing(store):
    def away(_sealed):
        raise ConnectionError("no key server")

    key = Fernet(Fernet.generate_key())
    sealed(store, key).add([row(1)])
    with pytest.raises(OutboxError, match="out of reach"):
        claimed(TableStore(store._database, sealing=Sealing(None, away)))
    assert (store.stats().pending, store.stats().dead) == (1, 0)


def test_what_is_left_of_a_batch_with_a_row_that_cannot_be_opened_has_a_new_key(store):
    lost, present = Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())
    sealed(store, lost).add([row(1)])
    sealed(store, present).add([row(2), row(3)])
    before = claimed(TableStore(store._database, sealing=Sealing(None, lambda _: b"{}")), seconds=0)
    kept = sealed(store, present)
    assert len(claimed(kept).dead) == 1
    after = claimed(kept)
    assert len(before.requests[0].events) == 3
    assert len(after.requests[0].events) == 2
    assert {request.key for request in before.requests}.isdisjoint(request.key for request in after.requests)


@pytest.mark.parametrize("opened", [b"\xff", b"[1]", b"no JSON"])
def test_what_a_wrong_key_makes_of_a_payload_is_not_sent(store, opened):
    """A cipher that does not notice a wrong key."""
    sealed(store, Fernet(Fernet.generate_key())).add([row(1)])
    claim = claimed(TableStore(store._database, sealing=Sealing(None, lambda _: opened)))
    assert claim.requests == ()
    assert store.stats().dead == 1


def test_a_payload_whose_sealed_text_was_damaged_is_dead(store):
    key = Fernet(Fernet.generate_key())
    kept = sealed(store, key)
    kept.add([row(1)])
    with store._database.transaction() as transaction:
        transaction.run("UPDATE bc_outbox SET payload = 'sealed:!'")
    claim = claimed(kept)
    assert claim.requests == ()
    assert "its text is damaged" in claim.dead[0].reason


@pytest.mark.parametrize("answer", ["text", None])
def test_an_event_that_cannot_be_sealed_is_not_stored(store, answer):
    def broken(_envelope):
        if answer is None:
            raise ValueError("Jane Doe")
        return answer

    with pytest.raises(OutboxError, match="not stored") as caught:
        TableStore(store._database, sealing=Sealing(broken, None)).add([row(1, payload=SECRET)])
    assert "Jane" not in str(caught.value)
    assert store.stats().pending == 0


def test_an_open_that_returns_no_bytes_is_a_fault_of_the_relay(store):
    sealed(store, Fernet(Fernet.generate_key())).add([row(1)])
    with pytest.raises(OutboxError, match="must return bytes"):
        claimed(TableStore(store._database, sealing=Sealing(None, lambda _: "text")))
    assert store.stats().dead == 0


__all__ = [name for name in globals() if name.startswith("test_")]
