"""The module that `bc-events gen` writes: the ambient API, in which each topic is a typed call."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from bc_events import events

from .typed_calls import typed_calls

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable

_TYPED: Final = "current_session"
"""The name of the ambient API whose type the module gives itself."""
_MODULE: Final = '''"""The events of this service, for editors and type checkers.

Written by `bc-events gen` from {source}. Do not edit it: change that file, and run the command again.
sha256 of {source}: {digest}
"""
# ruff: noqa
# fmt: off

from __future__ import annotations

from typing import TYPE_CHECKING

{ambient}

if TYPE_CHECKING:
{calls}
else:
    from bc_events import EventSession as Session

    def __getattr__(name):
        """A call of the ambient API. It is kept here, so that the next access finds it at once."""
        found = globals()[name] = getattr(_events, name)
        return found
'''


def typed_module(table: TopicTable, source: str, definitions: bytes) -> str:
    """The text of the module. `source` is the name of the definitions file, and `definitions` its content."""
    names = [name for name in events.__all__ if name != _TYPED]
    ambient = ["from bc_events import events as _events", *(f"from bc_events.events import {n} as {n}" for n in names)]
    return _MODULE.format(
        source=source,
        digest=digest_of(definitions),
        ambient="\n".join(ambient),
        calls="\n".join(f"    {line}" if line else "" for line in typed_calls(table)),
    )


def digest_of(definitions: bytes) -> str:
    """The SHA-256 of a file's text, the same whichever line ends a checkout gives it."""
    return sha256(definitions.replace(b"\r\n", b"\n")).hexdigest()
