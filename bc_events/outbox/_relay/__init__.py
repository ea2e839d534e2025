"""The relay: claims rows of an outbox, sends them to the Events API, and settles them."""
