"""Match `__exit__` to the block it leaves, when one scope object is open several times."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

from bc_events.errors import SessionClosedError

from .frames import Frame, chain

if TYPE_CHECKING:
    from collections.abc import Sequence

Block = tuple[FrameType, Frame]
"""An open `with` block: the Python frame that entered it, and the scope's frame that it opened.

The Python frame is kept as an object. Kept by its id, it could be mistaken for a later one at the same address.
"""


def left_by(caller: FrameType, blocks: Sequence[Block]) -> Block:
    """The block that is left when the Python frame `caller` calls `__exit__`. `blocks` are the open ones, oldest first.

    1. A `with` statement enters and leaves in the same Python frame. So the block is one that `caller` entered.
    2. If `caller` entered none, it may be a method of an object that enters in one method and leaves in another, such
       as an ExitStack, or a TestCase with setUp and tearDown. Then the block is one that the same object entered.
    3. Blocks nest. So it is the newest of these, and the innermost of them in the ambient state. In another task than
       they were entered in, none of them is ambient; then there must be only one.

    Raises `SessionClosedError` in every other case, rather than guess.
    """
    if not blocks:
        raise SessionClosedError(
            "this scope object is not open: __exit__ was called without __enter__, or once too often; "
            "use the object in a with statement"
        )
    candidates = [block for block in blocks if block[0] is caller] or _entered_by_same_object(caller, blocks)
    ambient = _innermost(candidates)
    if candidates and (ambient is candidates[-1] or (ambient is None and len(candidates) == 1)):
        return candidates[-1]
    raise SessionClosedError(
        f"this scope object is open {len(blocks)} times, and it is unclear which of them ends here; "
        "give each with block an events.session() of its own"
    )


def _entered_by_same_object(caller: FrameType, blocks: Sequence[Block]) -> list[Block]:
    """The blocks that a method of the same object entered; none where several of its methods did, or none."""
    leaving = _self(caller)
    if leaving is None:
        return []
    found = [block for block in blocks if _self(block[0]) is leaving]
    methods = {entered.f_code for entered, _ in found}
    return found if len(methods) == 1 else []


def _self(frame: FrameType) -> object:
    """The object whose method this Python frame runs; None where its first parameter is not named `self`."""
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return frame.f_locals.get("self") if "self" in names[:1] else None


def _innermost(blocks: Sequence[Block]) -> Block | None:
    """The one of these blocks that is innermost in the ambient state; None where none of them is ambient."""
    for frame in chain():
        for block in blocks:
            if frame.opening is block[1]:
                return block
    return None
