"""Change data capture, run for real: PostgreSQL and MariaDB, Debezium's engine with its event router, and a consumer.

`python -m tests.cdc` runs it.
"""
