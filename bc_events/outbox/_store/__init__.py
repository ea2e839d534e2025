"""The Store protocol, its rows, and the delivery that stores a session's events."""
