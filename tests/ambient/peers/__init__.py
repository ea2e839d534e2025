"""The same probes against this library and against others that keep something ambient around a piece of work."""
