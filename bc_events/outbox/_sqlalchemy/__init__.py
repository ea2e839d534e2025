"""The outbox in the application's own transactions, through SQLAlchemy."""
