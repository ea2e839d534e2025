"""Numbers and texts that a reader may refuse."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from bc_events.topics.schemas import compile_schema

from .breakage import Breakage, Way
from .sample import numbers, texts

if TYPE_CHECKING:
    from .branch import Branch

_LONGEST: Final = 100_000
"""Characters of the longest text that is made."""
_INCLUDED_FORMATS: Final[dict[Any, tuple[str, ...]]] = {
    "uri": ("uri-reference", "iri", "iri-reference", "uri-template"),
    "uri-reference": ("iri-reference", "uri-template"),
    "iri": ("iri-reference",),
    "email": ("idn-email",),
    "hostname": ("idn-hostname", "uri-template", "uri-reference", "iri-reference"),
    "uuid": ("uri-template", "uri-reference", "iri-reference"),
    "date": ("uri-template", "uri-reference", "iri-reference"),
    "date-time": ("uri-template",),
    "ipv4": ("uri-template", "uri-reference", "iri-reference"),
    "ipv6": ("uri-template",),
}
"""Formats whose every text has other formats as well (RFC 3986, 3987 and 6570)."""
_LENGTHS: Final[dict[Any, tuple[float, float]]] = {
    "uuid": (36, 36),
    "date": (10, 10),
    "date-time": (20, inf),
    "time": (9, inf),
    "duration": (3, inf),
    "uri": (2, inf),
    "iri": (2, inf),
    "email": (3, inf),
    "hostname": (1, inf),
    "ipv4": (7, 15),
    "ipv6": (2, 45),
}
"""The least and the most characters of the texts of a format."""


def number_breakages(writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
    """The numbers of a writer that its reader may refuse."""
    found = []
    if reader.lower > writer.lower:
        values = tuple(one for one in numbers(writer, _around(reader.lower[0])) if not _reaches(one, reader.lower))
        found.append(Breakage("minimum_increased", way, f"less than {reader.lower[0]} is refused", values))
    if reader.upper < writer.upper:
        values = tuple(one for one in numbers(writer, _around(reader.upper[0])) if not _keeps(one, reader.upper))
        found.append(Breakage("maximum_decreased", way, f"more than {reader.upper[0]} is refused", values))
    own = writer.each("multipleOf")
    for step in reader.each("multipleOf"):
        if not any(_divides(step, one) for one in own) and not (writer.kind == "integer" and step == 1):
            values = tuple(one for one in numbers(writer, [step / 2, step + 1, 1, 3, 7]) if not _divides(step, one))
            found.append(Breakage("multiple_added", way, f"only multiples of {step} are allowed now", values))
    return found


def text_breakages(writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
    """The texts of a writer that its reader may refuse."""
    found = []
    shortest, longest = reader.greatest("minLength", 0), reader.least("maxLength", inf)
    written = texts(writer, [*_texts_of(shortest - 1), *_texts_of(longest + 1)])
    lengths = [_LENGTHS.get(name, (0, inf)) for name in writer.each("format")]
    if shortest > max([writer.greatest("minLength", 0), *(least for least, _ in lengths)]):
        values = tuple(text for text in written if len(text) < shortest)
        found.append(Breakage("min_length_increased", way, f"less than {shortest} characters are refused", values))
    if longest < min([writer.least("maxLength", inf), *(most for _, most in lengths)]):
        values = tuple(text for text in written if len(text) > longest)
        found.append(Breakage("max_length_decreased", way, f"more than {longest} characters are refused", values))
    for keyword, rule in (("pattern", "pattern_added"), ("format", "format_added")):
        own = writer.each(keyword)
        for wanted in reader.each(keyword):
            if wanted in own or any(wanted in _INCLUDED_FORMATS.get(one, ()) for one in own):
                continue
            is_valid = compile_schema({keyword: wanted}).is_valid
            values = tuple(text for text in written if not is_valid(text))
            if keyword == "format" and not _is_checked(wanted):
                continue
            found.append(Breakage(rule, way, f"{keyword} {wanted!r} is asked for now", values))
    return found


def _around(bound: Any) -> list[Any]:
    return [] if bound in (inf, -inf) else [bound, bound - 1, bound + 1, bound - 0.5, bound + 0.5]


def _reaches(number: Any, lower: tuple[Any, bool]) -> bool:
    return number > lower[0] or (number == lower[0] and not lower[1])


def _keeps(number: Any, upper: tuple[Any, bool]) -> bool:
    return number < upper[0] or (number == upper[0] and upper[1])


def _divides(step: Any, number: Any) -> bool:
    return bool(step) and bool(jsonschema_rs.validator_for({"multipleOf": step}).is_valid(number))


def _texts_of(length: float) -> list[str]:
    """Texts of a length: of letters, and of formats that may be long."""
    if not 0 <= length <= _LONGEST:
        return []
    size = int(length)
    made = [
        "a" * size,
        f"a:{'b' * (size - 2)}",
        f"{'b' * (size - 10)}@b.example",
        f"https://b.example/{'a' * (size - 18)}",
    ]
    return [text for text in made if len(text) == size]


def _is_checked(named: str) -> bool:
    try:
        jsonschema_rs.validator_for({"format": named}, validate_formats=True, ignore_unknown_formats=False)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True
