"""Rules 13 and 15 to 19 together, over random trees of scopes."""

from . import machine


def test_random_trees_of_scopes_deliver_what_a_plain_model_says():
    machine.run(examples=200)
