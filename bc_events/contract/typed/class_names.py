"""The names of generated classes: of the words that a schema has for a part, the first that is free."""

from __future__ import annotations

import keyword
import re
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS: Final = re.compile(r"[A-Za-z0-9]+")
_LONGEST: Final = 60


class ClassNames:
    """Gives each class a name that no other has."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, candidates: Iterable[str]) -> str:
        """The first candidate that is free, in StudlyCaps; else the last one with a number."""
        name = "Data"
        for candidate in candidates:
            studly = studly_caps(candidate)
            if not studly:
                continue
            name = studly
            if name not in self._taken:
                break
        else:
            name = next(numbered for n in count(2) if (numbered := f"{name}{n}") not in self._taken)
        self._taken.add(name)
        return name


def studly_caps(text: str) -> str:
    """`branch-protection rule` as `BranchProtectionRule`; empty where the text has no letter to begin with."""
    words = [word[0].upper() + word[1:] for word in _WORDS.findall(text)]
    name = "".join(words)[:_LONGEST].lstrip("0123456789")
    return f"{name}_" if keyword.iskeyword(name) else name
