"""Whether a word is the past form of an English verb."""

from __future__ import annotations

from typing import Final

_NOT_PAST: Final = frozenset({"Exceed", "Feed", "Need", "Proceed", "Seed", "Shred", "Speed", "Succeed", "Bed", "Embed"})
_IRREGULAR: Final = frozenset(
    [
        *("Become", "Begun", "Bent", "Bid", "Blown", "Bought", "Bound", "Broken", "Brought", "Built", "Burnt", "Cast"),
        *("Caught", "Chosen", "Come", "Cost", "Cut", "Dealt", "Done", "Drawn", "Driven", "Fallen", "Fed", "Felt"),
        *("Forecast", "Forgiven", "Fought", "Found", "Frozen", "Given", "Gone", "Grown", "Heard", "Held", "Hidden"),
        *("Hit", "Hung", "Kept", "Known", "Laid", "Led", "Left", "Lent", "Let", "Lost", "Made", "Meant", "Met"),
        *("Overdrawn", "Overridden", "Overrun", "Paid", "Put", "Quit", "Read", "Rebuilt", "Redone", "Remade", "Repaid"),
        *("Rerun", "Resent", "Reset", "Resold", "Rewritten", "Risen", "Run", "Said", "Seen", "Sent", "Set", "Shown"),
        *("Shut", "Sold", "Sought", "Spent", "Split", "Spoken", "Sped", "Stolen", "Stood", "Struck", "Stuck", "Swept"),
        *("Sworn", "Taken", "Taught", "Thought", "Thrown", "Told", "Understood", "Underwritten", "Undone", "Upheld"),
        *("Upset", "Withdrawn", "Withheld", "Won", "Worn", "Written"),
    ]
)


def is_past(word: str) -> bool:
    """Whether a word such as Created or Sent says that something has happened. It judges by spelling."""
    return word in _IRREGULAR or (word.endswith("ed") and word not in _NOT_PAST)
