"""The databases that programs run on in this suite; the long run has more."""

from __future__ import annotations

import pytest

from .databases import django_aliases, fast_folder


@pytest.fixture(scope="session")
def folder():
    with fast_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def sqlite_aliases(folder, django_db_blocker):
    with django_db_blocker.unblock(), django_aliases("sqlite", folder=folder) as names:
        yield names
