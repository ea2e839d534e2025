"""The arguments of a client, and their checks."""
