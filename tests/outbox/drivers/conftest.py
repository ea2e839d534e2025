"""One server of each kind for the whole table."""

from __future__ import annotations

import pytest

from bc_events.local import LocalEventsAPI
from tests import mariadb, pgbouncer

from .engines import kind_of
from .places import InFile, on_mariadb, on_postgresql


@pytest.fixture(scope="module")
def postgresql_place(postgres, tmp_path_factory):
    with on_postgresql(postgres, tmp_path_factory.mktemp("postgresql")) as place:
        yield place


@pytest.fixture(scope="module")
def mysql_place(tmp_path_factory):
    if not mariadb.is_installed():
        pytest.skip(mariadb.MISSING)
    with on_mariadb(tmp_path_factory.mktemp("mariadb")) as place:
        yield place


@pytest.fixture(scope="module")
def sqlite_place(tmp_path_factory):
    return InFile(None, file=tmp_path_factory.mktemp("sqlite") / "app.db")


@pytest.fixture(scope="module")
def one_api():
    with LocalEventsAPI() as api:
        yield api


@pytest.fixture
def api(one_api):
    one_api.clear()
    return one_api


@pytest.fixture
def place(request, driver, way):
    place = request.getfixturevalue(f"{kind_of(driver)}_place")
    if way == "TLS" and not place.port:
        pytest.skip(pgbouncer.MISSING)
    place.empty()
    return place
