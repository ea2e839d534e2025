"""Programs that need an interpreter to themselves; what they print are lines of JSON."""
