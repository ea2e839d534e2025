"""Rules for definitions files, beyond what makes them valid: `bc-events topics lint`."""
