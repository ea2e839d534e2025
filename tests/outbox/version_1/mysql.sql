-- bc_events outbox, version 1, mysql
CREATE TABLE IF NOT EXISTS bc_outbox (
    seq bigint AUTO_INCREMENT PRIMARY KEY,
    id char(32) NOT NULL UNIQUE,
    aggregatetype longtext NOT NULL,
    aggregateid varchar(255) NOT NULL,
    type longtext NOT NULL,
    payload longtext NOT NULL,
    created_at double NOT NULL,
    available_at double NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    lease char(32),
    batch char(32),
    batch_first bigint,
    batch_last bigint,
    service longtext NOT NULL,
    trace longtext,
    last_error longtext,
    dead_at double,
    KEY bc_outbox_ready_v1 (dead_at, seq),
    KEY bc_outbox_job (aggregateid, dead_at, seq)
) ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
