"""Parametrises a rule over execution models."""

import pytest

from .models import PROCESSES


def over(models):
    """One test for each of these execution models, as `model`; its id is the model's name."""
    return pytest.mark.parametrize(
        "model", [pytest.param(run, id=name, marks=marks_of(run)) for name, run in models.items()]
    )


def marks_of(run):
    """Python 3.12 and later warn of a fork where other threads run, such as those of an earlier test's async flush."""
    return [pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")] if run in PROCESSES.values() else []
