"""Whether a change of topics breaks those who read or replay their events: `bc-events topics diff`."""
