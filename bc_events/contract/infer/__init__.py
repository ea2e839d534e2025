"""Drafts of definitions from events that were observed: `bc-events topics infer`."""
