"""Following Django's transactions, for direct delivery and for the outbox in the database."""
