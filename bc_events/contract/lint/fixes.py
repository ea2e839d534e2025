"""Repairs of a definitions file that cannot change what it means. All other text stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from . import rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .finding import Finding

_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EDGES: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class _Edit:
    """The characters from `start` to `end` are replaced."""

    start: int
    end: int
    text: str


def fixed(text: str, findings: Collection[Finding]) -> str:
    """The text of a file, with what can be fixed of the findings. A place beside a comment is left alone."""
    wanted = {(finding.rule.name, finding.line) for finding in findings if finding.rule.is_fixable}
    root = yaml.compose(text, Loader=_LOADER) if wanted else None
    edits = {edit.start: edit for edit in _edits(root, text, wanted) if "#" not in text[edit.start : edit.end]}
    for start in sorted(edits, reverse=True):
        edit = edits[start]
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(root: Any, text: str, wanted: Collection[tuple[str, int | None]]) -> Iterator[_Edit]:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            for position, (key, value) in enumerate(node.value):
                waiting.append(value)
                line = key.start_mark.line + 1
                if key.value == "type" and (rule.SINGLE_TYPE_LIST.name, line) in wanted:
                    yield from _without_list(key, value, text)
                if key.value == "Category" and (rule.REDUNDANT_CATEGORY.name, line) in wanted:
                    yield from _without_key(node, position)
                if key.value in ("description", "Description") and (rule.UNTRIMMED_DESCRIPTION.name, line) in wanted:
                    yield from _trimmed(value, text)


def _without_list(key: Any, value: Any, text: str) -> Iterator[_Edit]:
    """`type: [string]` as `type: string`."""
    if isinstance(value, yaml.SequenceNode) and len(value.value) == 1:
        item = value.value[0]
        source = text[item.start_mark.index : item.end_mark.index]
        end = value.end_mark.index if value.flow_style else item.end_mark.index
        yield _Edit(key.end_mark.index, end, f": {source}")


def _without_key(mapping: Any, position: int) -> Iterator[_Edit]:
    """A mapping without one of its keys, up to where the next one begins."""
    pairs = mapping.value
    if position + 1 < len(pairs):
        yield _Edit(pairs[position][0].start_mark.index, pairs[position + 1][0].start_mark.index, "")
    elif position:
        yield _Edit(pairs[position - 1][1].end_mark.index, pairs[position][1].end_mark.index, "")


def _trimmed(value: Any, text: str) -> Iterator[_Edit]:
    """Text in quotes without the white space at its edges. Text on several lines is left alone."""
    source = text[value.start_mark.index : value.end_mark.index]
    if value.style in ("'", '"') and "\n" not in source:
        quote = source[0]
        yield _Edit(value.start_mark.index, value.end_mark.index, quote + source[1:-1].strip(_EDGES) + quote)
