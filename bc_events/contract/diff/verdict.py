"""The verdict on one change of a schema, with documents that show each break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from bc_events.contract.subschemas import subschemas
from bc_events.topics.schemas import compile_schema

from .content_model import opened
from .inclusion import Inclusion
from .sample import Sampler
from .side import Side

if TYPE_CHECKING:
    from bc_events.contract.joined_schemas import Schema

    from .breakage import Breakage

Status = Literal["compatible", "breaking", "unknown"]
_TRIES: Final = 400
_MOST_VALUES: Final = 20
_LONGEST_HINT: Final = 10_000
_BOUNDS: Final = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the reader refuses what the writer may send. `example` is a whole document that shows it."""

    rule: str
    path: str
    message: str
    example: Any


@dataclass(frozen=True, slots=True)
class CompatibilityVerdict:
    """`reasons` say why it is unknown whether a reader accepts all that the writer may send."""

    status: Status
    breaks: tuple[Break, ...] = ()
    reasons: tuple[str, ...] = field(default=())


def verdict(writer: Schema, reader: Schema, *, is_lenient: bool = True) -> CompatibilityVerdict:
    """Whether a reader with one schema accepts all data that a writer with another may send."""
    own = Side(writer, "writer", is_lenient=is_lenient)
    breakages = Inclusion(own, Side(reader, "reader", is_lenient=is_lenient)).breakages((writer,), (reader,))
    if not breakages:
        return CompatibilityVerdict("compatible")
    judge = _Judge(own, writer, opened(reader) if is_lenient else reader)
    breaks: dict[tuple[str, str], Break] = {}
    for breakage in breakages:
        place = (breakage.rule, breakage.path)
        shown = judge.shown(breakage) if place not in breaks else None
        if shown is not None:
            breaks[place] = shown
    found = tuple(breaks.values()) or judge.found()
    if found:
        return CompatibilityVerdict("breaking", found)
    reasons = dict.fromkeys(f"{breakage.path or 'the data'}: {breakage.message}" for breakage in breakages)
    return CompatibilityVerdict("unknown", reasons=tuple(reasons))


class _Judge:
    """Tells documents that show a break: the writer's schema allows them, and the reader's does not."""

    def __init__(self, side: Side, writer: Schema, reader: Schema) -> None:
        self._writer = compile_schema(writer).is_valid
        self._reader = compile_schema(reader)
        self._side = side
        self._sampler = Sampler(side, 0, _hints(reader))
        self._schema = writer

    def shown(self, breakage: Breakage) -> Break | None:
        """The break, with a document; None if no document was found."""
        for value in breakage.values[:_MOST_VALUES]:
            for document in self._sampler.placed(breakage.way, value):
                if self._is_shown_by(document):
                    return Break(breakage.rule, breakage.path, breakage.message, document)
        return None

    def found(self) -> tuple[Break, ...]:
        """A break that a random document shows; empty where none does."""
        for _ in range(_TRIES):
            for document in self._sampler.any((self._schema,)):
                if self._is_shown_by(document):
                    violation = self._reader.violations(document)[0]
                    told = f"{violation.rule} is stricter than it was"
                    return (Break("narrowed", violation.path, told, document),)
        return ()

    def _is_shown_by(self, document: Any) -> bool:
        return self._writer(document) and not self._reader.is_valid(document)


def _hints(schema: Schema) -> list[Any]:
    """Values at the limits of a schema: those that it names, and what is just beyond its numbers."""
    hints: list[Any] = []
    for _, part in subschemas(schema):
        hints += [value for value in part.get("enum") or () if isinstance(value, str | int | float)]
        hints += [part["const"]] if isinstance(part.get("const"), str | int | float) else []
        for bound in (part[name] for name in _BOUNDS if isinstance(part.get(name), int | float)):
            hints += [bound, bound - 1, bound + 1]
            if 0 <= bound <= _LONGEST_HINT:
                hints += ["a" * int(bound), "a" * (int(bound) + 1)]
    return hints
