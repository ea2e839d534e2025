"""Match `__exit__` to the block it leaves, when one scope object is open several times."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

from bc_events.errors import SessionClosedError

from .frames import Frame, chain

if TYPE_CHECKING:
    from collections.abc import Sequence

Block = tuple[FrameType, Frame]
"""A block, after the Python frame that entered it: held, so that no later frame can be taken for it."""


def left_by(caller: FrameType, blocks: Sequence[Block]) -> Block:
    """The block that this Python frame leaves. Raises `SessionClosedError` rather than guess.

    A `with` statement leaves from the frame that entered, and its blocks nest. An ExitStack, or another object that
    enters in one of its methods and leaves in another, is told by that object.
    """
    own = [block for block in blocks if block[0] is caller] or _of_the_same_object(caller, blocks)
    here = _innermost(own)
    if own and (here is own[-1] or (here is None and len(own) == 1)):
        return own[-1]
    raise SessionClosedError(
        f"this scope object is open {len(blocks)} times, and which of them is left here cannot be told; "
        "give each block an events.session() of its own"
    )


def _of_the_same_object(caller: FrameType, blocks: Sequence[Block]) -> list[Block]:
    """Those entered by one method of the object whose method is leaving."""
    leaving = _self(caller)
    found = [block for block in blocks if leaving is not None and _self(block[0]) is leaving]
    return found if len({entered.f_code for entered, _ in found}) == 1 else []


def _self(frame: FrameType) -> object:
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return frame.f_locals.get("self") if names[:1] == ("self",) else None


def _innermost(blocks: Sequence[Block]) -> Block | None:
    for frame in chain():
        for block in blocks:
            if frame.opening is block[1]:
                return block
    return None
