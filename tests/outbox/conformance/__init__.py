"""The promises of every store. A test module gets these tests by importing them and having a fixture `store`.

    from tests.outbox.conformance import *

    @pytest.fixture
    def store(): ...        # an empty one

`two_stores` may be a fixture too: two stores on one table, as two relays have them. By default it is `store` twice.
"""

from __future__ import annotations

import pytest

from .archive import *  # noqa: F403
from .claims import *  # noqa: F403
from .competition import *  # noqa: F403
from .job_order import *  # noqa: F403
from .results import *  # noqa: F403
from .sealing import *  # noqa: F403
from .storing import *  # noqa: F403


@pytest.fixture
def two_stores(store):
    return store, store


__all__ = [name for name in list(globals()) if name.startswith("test_") or name == "two_stores"]
