"""Sealing: the payloads of an outbox are encrypted while they are stored."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bc_events._runtime import argument_checks as check
from bc_events.errors import OutboxError, kind_of

if TYPE_CHECKING:
    from .row import Row

Transform = Callable[[bytes], bytes]
_MARK: Final = "sealed:"
"""No payload that is not sealed begins so, because it is a JSON object."""
_REMEDY: Final = "give the outbox the key with which it was sealed, and replay the event"
_EXAMPLE: Final = "a function from bytes to bytes, such as the {} of a Fernet"


class UnopenableError(OutboxError):
    """This payload cannot be opened with the present key. Its text says why, and shows nothing of the payload."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Without `seal`, payloads are stored as they are. Without `open`, sealed ones are not read.

    `open` raises OSError, or an error below it such as ConnectionError, if it cannot get at its key for now. Any other
    error says that this payload cannot be opened.
    """

    seal: Transform | None = None
    open: Transform | None = None

    @classmethod
    def of(cls, seal: Transform | None, open: Transform | None) -> Sealing:  # noqa: A002  as the outboxes call it
        """Raises `ConfigurationError`."""
        if seal is not None:
            check.function("seal", seal, example=_EXAMPLE.format("encrypt"))
        if open is not None:
            check.function("open", open, example=_EXAMPLE.format("decrypt"))
        return cls(seal, open)

    def sealed(self, row: Row) -> Row:
        """The row as it is stored. Raises `OutboxError` if it cannot be sealed; it must not be stored then."""
        if self.seal is None:
            return row
        try:
            sealed = self.seal(row.envelope)
        except Exception as error:
            raise OutboxError(
                f"an event could not be sealed, and so was not stored: seal raised {type(error).__name__}"
            ) from error
        if not isinstance(sealed, bytes):
            raise OutboxError(f"an event was not stored: seal returned {kind_of(sealed)}, and must return bytes")
        return replace(row, payload=f"{_MARK}{b64encode(sealed).decode()}", is_sealed=True)

    def opened(self, payload: str) -> str:
        """A payload as it was before it was sealed. One that is not sealed is returned as it is.

        Raises `OutboxError` if there is no key now, and `UnopenableError`.
        """
        if not is_sealed(payload):
            return payload
        if self.open is None:
            raise OutboxError(
                "the outbox has sealed events, and nothing here opens them; give the outbox open=…, "
                "or the command --client MODULE:ATTR of a client whose outbox has it"
            )
        try:
            opened = self.open(_unwrapped(payload))
        except UnopenableError:
            raise
        except OSError as error:
            raise OutboxError(
                f"the key of sealed events is out of reach: open raised {type(error).__name__}"
            ) from error
        except Exception as error:
            raise UnopenableError(f"the payload cannot be opened ({type(error).__name__}); {_REMEDY}") from error
        if not isinstance(opened, bytes):
            raise OutboxError(f"sealed events cannot be read: open returned {kind_of(opened)}, and must return bytes")
        try:
            return opened.decode()
        except UnicodeDecodeError as error:
            raise UnopenableError(f"what open makes of the payload is not text; {_REMEDY}") from error


PLAIN: Final = Sealing()


def _unwrapped(payload: str) -> bytes:
    try:
        return b64decode(payload[len(_MARK) :], validate=True)
    except ValueError as error:
        raise UnopenableError("the payload is sealed, and its text is damaged") from error


def is_sealed(payload: str) -> bool:
    return payload.startswith(_MARK)
