"""Carriers: headers, message attributes and baggage from outside. A value in an unknown form counts as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from opentelemetry.propagators.textmap import Getter

from . import logs
from .job_ids import without_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BAGGAGE: Final = "baggage"
_LONGEST_BAGGAGE: Final = 8192  # https://www.w3.org/TR/baggage/#limits
_logger = logs.logger


class CaseInsensitiveGetter(Getter[Any]):
    """Reads names in any case. A value is text, bytes, or a list of them; the carrier a mapping or a list of pairs."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        wanted = key.lower()
        found = [text for name, value in _pairs(carrier) if _lower(name) == wanted for text in _texts(value)]
        return found or None

    def keys(self, carrier: Any) -> list[str]:
        return [name for pair in _pairs(carrier) if (name := _lower(pair[0])) is not None]


case_insensitive_getter: Final = CaseInsensitiveGetter()


def only_value(carrier: object, name: str | None, getter: Getter[Any]) -> str | None:
    """The value under a name; None, with a warning, where there are two, as several entries or joined by a comma."""
    values = _texts(getter.get(carrier, name)) if name is not None else []
    if not values:
        return None
    if len(values) == 1 and "," not in values[0]:
        return values[0]
    _warn_of_two(str(name))
    return None


def only_baggage_member(carrier: object, key: Callable[[], str], getter: Getter[Any]) -> str | None:
    """The value of one member of the carrier's baggage, without its properties.

    OpenTelemetry's own propagator takes the last of two members, and takes properties for a part of the value. `key` is
    called only where there is baggage.
    """
    headers = _texts(getter.get(carrier, _BAGGAGE))
    if not headers:
        return None
    if sum(map(len, headers)) > _LONGEST_BAGGAGE:
        _logger.warning("baggage from outside is longer than %d characters and is ignored", _LONGEST_BAGGAGE)
        return None
    wanted = key()
    members = [_member(text) for header in headers for text in header.split(",")]
    values = [value for name, value in members if name == wanted]
    if len(values) > 1:
        _warn_of_two(f"baggage {wanted}")
        return None
    return values[0] if values else None


def _member(text: str) -> tuple[str, str]:
    name, _, value = without_properties(text).partition("=")
    return unquote(name.strip(" \t")), unquote(value.strip(" \t"))


def _warn_of_two(source: str) -> None:
    _logger.warning("%s came from outside more than once; it counts as missing", source, extra={"bc_source": source})


def _pairs(carrier: Any) -> list[Sequence[Any]]:
    """The names with their values; none where the carrier cannot be read."""
    try:
        items = getattr(carrier, "items", None)  # mappings by convention too, such as http.client's headers
        pairs: Any = items() if callable(items) else carrier if isinstance(carrier, list | tuple) else ()
        return [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]  # noqa: PLR2004
    except Exception:  # noqa: BLE001  code of others may raise anything
        return []


def _lower(name: object) -> str | None:
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return name.lower() if isinstance(name, str) else None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list | tuple) else (value,)
    decoded = [one.decode("latin-1") if isinstance(one, bytes) else one for one in values]
    return [one for one in decoded if isinstance(one, str)]
