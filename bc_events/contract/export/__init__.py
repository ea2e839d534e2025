"""Topics in the forms of other tools: `bc-events topics export`."""
