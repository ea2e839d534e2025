CREATE ROLE cdc LOGIN REPLICATION PASSWORD 'secret';
GRANT SELECT ON bc_outbox TO cdc;
CREATE PUBLICATION bc_events FOR TABLE bc_outbox WITH (publish = 'insert');
SELECT pg_create_logical_replication_slot('bc_events', 'pgoutput');
