"""Django's transactions, as both of its integrations follow them: direct delivery, and the outbox in the database."""
