"""The unit of work: its savepoints, and the buffer of its pending events."""
