"""Parametrises a rule over execution models."""

import pytest


def over(models):
    """One test for each of these execution models, as `model`; its id is the model's name."""
    return pytest.mark.parametrize("model", [pytest.param(run, id=name) for name, run in models.items()])
