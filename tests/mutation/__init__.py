"""Mutation runs, as `.ci/mutate` makes them: do the tests notice if one thing in the code is changed?"""
