-- bc_events outbox, version 1, sqlite
CREATE TABLE IF NOT EXISTS bc_outbox (
    seq integer PRIMARY KEY AUTOINCREMENT,
    id char(32) NOT NULL UNIQUE,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    created_at real NOT NULL,
    available_at real NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    lease char(32),
    batch char(32),
    batch_first bigint,
    batch_last bigint,
    service text NOT NULL,
    trace text,
    last_error text,
    dead_at real
);
CREATE INDEX IF NOT EXISTS bc_outbox_ready_v1 ON bc_outbox (seq) WHERE dead_at IS NULL;
CREATE INDEX IF NOT EXISTS bc_outbox_job ON bc_outbox (aggregateid, seq) WHERE dead_at IS NULL;
CREATE INDEX IF NOT EXISTS bc_outbox_dead ON bc_outbox (seq) WHERE dead_at IS NOT NULL;
