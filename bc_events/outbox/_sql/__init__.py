"""The outbox table in SQL: its schema, the claim, and the store of every SQL database."""
