"""Typed calls for editors and type checkers: `bc-events gen`."""
