"""The grammar of filters: text to terms. Each term knows where it stands, so that an error can say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from bc_events.errors import printable

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

_GRAMMAR: Final = r"""
start: _WS? (term (_WS term)* _WS?)?
term: NOT? FIELD (BARE | QUOTED) | NOT? (WORD | QUOTED)
NOT: "-"
FIELD.2: /[A-Za-z_]+(\.("[^"]*"|[^\s:"'.]+))*:/
WORD: /[^\s"':\-][^\s"':]*/
BARE: /[^\s"']+/
QUOTED: /"(\\.|[^"\\])*"|'[^']*'/s
_WS: /\s+/
"""
_piece: Final = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)
_segment: Final = re.compile(r'\.(?:"([^"]*)"|([^."]+))')
_QUOTE_REMEDY: Final = "close the quote, or put a text with quotes in it into the other kind of quotes"


class QueryError(ValueError):
    """A filter that cannot be read."""


@dataclass(frozen=True, slots=True)
class Term:
    """`field` is empty for a text without one. `path` is that of a `data.` field.

    `text` is the value as it is meant; `parts` is the value between its stars, one part if there is none. `at` counts
    from 1.
    """

    field: str
    path: tuple[str, ...]
    text: str
    parts: tuple[str, ...]
    is_negated: bool
    at: int


def read_terms(text: str) -> list[Term]:
    """Raises `QueryError`, which names the position and the remedy."""
    from lark import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415  as the parser

    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        raise QueryError(_of_character(text, error.pos_in_stream)) from error
    except UnexpectedToken as error:
        is_end = error.token.type == "$END"
        raise QueryError(_of_end(text) if is_end else _of_character(text, error.token.start_pos)) from error
    return [_term(one.children) for one in tree.children]  # type: ignore[union-attr]


@cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415  the first filter loads it, not the import of the package

    return Lark(_GRAMMAR, parser="lalr", lexer="contextual")


def _term(tokens: list[Token | Tree[Token]]) -> Term:
    found = {token.type: token for token in tokens}  # type: ignore[union-attr]
    value = tokens[-1]
    field, dot, path = str(found.get("FIELD", "")).removesuffix(":").partition(".")
    parts = _parts(str(value), is_quoted=value.type == "QUOTED")  # type: ignore[union-attr]
    return Term(
        field=field,
        path=tuple(quoted or bare for quoted, bare in _segment.findall(dot + path)),
        text="*".join(parts),
        parts=parts,
        is_negated="NOT" in found,
        at=int(tokens[0].start_pos or 0) + 1,  # type: ignore[union-attr]
    )


def _parts(value: str, *, is_quoted: bool) -> tuple[str, ...]:
    """The value between its stars. In double quotes a backslash takes the meaning from the character behind it."""
    if not is_quoted:
        return tuple(value.split("*"))
    inner = value[1:-1]
    if value[0] == "'":
        return tuple(inner.split("*"))
    parts = [""]
    for escaped, star, plain in _piece.findall(inner):
        if star:
            parts.append("")
        else:
            parts[-1] += escaped or plain
    return tuple(parts)


def quoted(value: str) -> str:
    """A value as a filter has it, whatever it contains."""
    return '"' + re.sub(r'(["\\*])', r"\\\1", value) + '"'


def term(field: str, value: str) -> str:
    """The term that finds exactly this value."""
    return f"{field}:{quoted(value)}"


def _of_character(text: str, position: int | None) -> str:
    at = position or 0
    found, place = text[at : at + 1], f"position {at + 1} of the filter"
    before = _word_at(text[:at].rstrip(), at - 1)
    if before.endswith(":"):
        return f"{place}: the field {printable(before)} has no value; {_after_colon(before)}"
    if found in "\"'":
        return f"{place}: the quote {found} is not closed, or not at the start of a text; {_QUOTE_REMEDY}"
    whole = printable(quoted(_word_at(text, at)), max_length=80)
    return f"{place}: {printable(found)} cannot stand here; leave a space between terms, or quote a text: {whole}"


def _of_end(text: str) -> str:
    before = text.rstrip()
    place = f"position {len(before) + 1} of the filter"
    field = _word_at(before, len(before) - 1)
    if field.endswith(":"):
        return f"{place}: the field {printable(field)} has no value; {_after_colon(field)}"
    return f'{place}: the text behind the minus is missing; write it, or put a text such as "-1" in quotes'


def _after_colon(field: str) -> str:
    shown = printable(field, max_length=80)
    return f"write it directly behind the colon, as {shown}value, or quote a text: {printable(quoted(field))}"


def _word_at(text: str, at: int) -> str:
    """The word that the character at an index is in, up to the end of that word."""
    words = [found for found in re.finditer(r"\S+", text) if found.start() <= at < found.end()]
    return words[0][0] if words else ""
