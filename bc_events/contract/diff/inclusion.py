"""Whether a reader accepts all that a writer may send: whether the writer's schema is included in the reader's."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any, Final

from .acceptance import accepts
from .breakage import Breakage, Way
from .json_types import same
from .sample import OTHER, Sampler, name_like, numbers, texts
from .scalar_breakages import number_breakages, text_breakages

if TYPE_CHECKING:
    from bc_events.contract.joined_schemas import Parts

    from .branch import Branch
    from .side import Side

_FEW: Final = 64
"""So many whole numbers are tried one by one."""
_MOST: Final = 200
"""So many breakages are looked for in one schema."""


class Inclusion:
    """Compares a writer with a reader. No breakage means that the reader accepts each value of the writer."""

    def __init__(self, writer: Side, reader: Side) -> None:
        self.writer = writer
        self.reader = reader
        self._assumed: dict[tuple[tuple[int, ...], tuple[int, ...]], None] = {}
        self._sampler = Sampler(writer, 0)

    def breakages(self, writes: Parts, reads: Parts, way: Way = ()) -> list[Breakage]:
        """The places where the reader may refuse. Schemas that contain themselves are compared once."""
        key = (tuple(sorted(map(id, writes))), tuple(sorted(map(id, reads))))
        if not reads or key in self._assumed or self._is_same(writes, reads):
            return []
        before = len(self._assumed)
        self._assumed[key] = None
        readers = self.reader.branches(reads)
        found: list[Breakage] = []
        for branch in self.writer.branches(writes):
            found += self._of_branch(branch, readers, reads, way)
            if len(found) > _MOST:
                break
        while found and len(self._assumed) > before:  # what was found to be included since may rest on this
            self._assumed.popitem()
        return found

    def _is_same(self, writes: Parts, reads: Parts) -> bool:
        """Equal schemas are read alike, but for keys that a lenient side sees in another way."""
        return self.writer.text(writes) == self.reader.text(reads)

    def _of_branch(self, branch: Branch, readers: list[Branch], reads: Parts, way: Way) -> list[Breakage]:
        is_known = any(_takes(reader.kind, branch.kind) for reader in readers)
        is_listed = branch.values is not None and bool(branch.each("enum") or branch.each("const"))
        if branch.values is not None and (is_known or is_listed):
            own = [value for value in branch.values if accepts(self.writer, branch.parts, value) is not False]
            return self._of_values(tuple(own), reads, way)
        low, high = branch.lower, branch.upper
        if branch.kind == "integer" and high[0] - low[0] <= _FEW:
            return self._of_values(tuple(numbers(branch, range(ceil(low[0]), floor(high[0]) + 1))), reads, way)
        like = [reader for reader in readers if _takes(reader.kind, branch.kind)]
        if not like:
            is_narrower = branch.kind == "number" and any(reader.kind == "integer" for reader in readers)
            values = tuple(numbers(branch) if is_narrower else self._sampler.of(branch, is_least=True))
            expected = " or ".join(dict.fromkeys(reader.kind for reader in readers)) or "nothing"
            return [Breakage("type_changed", way, f"{branch.kind} was allowed, and now only {expected}", values)]
        best: list[Breakage] | None = None
        for reader in like:
            found = self._between(branch, reader, way)
            if not found:
                return []
            if best is None or len(found) < len(best):
                best = found
        return best or []

    def _of_values(self, values: tuple[Any, ...], reads: Parts, way: Way) -> list[Breakage]:
        """The writer has these values alone."""
        accepted = [accepts(self.reader, reads, value) for value in values]
        refused = tuple(value for value, verdict in zip(values, accepted, strict=True) if verdict is False)
        unsure = tuple(value for value, verdict in zip(values, accepted, strict=True) if verdict is None)
        found = []
        if refused:
            told = ", ".join(map(repr, refused[:3]))
            found.append(Breakage("enum_array_narrowed", way, f"{told} was allowed, and is no longer", refused))
        if unsure:
            found.append(Breakage("undecided", way, "the values cannot be judged", unsure))
        return found

    def _between(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        found = self._unsure(writer, reader, way)
        if reader.values is not None:
            values = [one for one in self._sampler_values(writer) if not any(same(one, kept) for kept in reader.values)]
            return [*found, Breakage("enum_added", way, "only some values are allowed now", tuple(values))]
        match writer.kind:
            case "integer" | "number":
                return [*found, *number_breakages(writer, reader, way)]
            case "string":
                return [*found, *text_breakages(writer, reader, way)]
            case "array":
                return [*found, *self._arrays(writer, reader, way)]
            case "object":
                return [*found, *self._objects(writer, reader, way)]
        return found

    def _sampler_values(self, writer: Branch) -> list[Any]:
        match writer.kind:
            case "integer" | "number":
                return numbers(writer)
            case "string":
                return texts(writer)
        return [*self._sampler.of(writer, is_least=True), *self._sampler.of(writer, is_least=False)]

    def _unsure(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        own = {self.writer.text((schema,)) for schema in writer.unsure}
        others = [schema for schema in reader.unsure if self.reader.text((schema,)) not in own]
        return [
            Breakage("undecided", way, f"{next(iter(schema))} has changed, and is not taken apart") for schema in others
        ]

    def _arrays(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        found = []
        fewest, most = writer.greatest("minItems", 0), writer.least("maxItems", inf)
        if reader.greatest("minItems", 0) > fewest:
            values = tuple(self._sampler.of(writer, is_least=True))
            told = f"less than {reader.greatest('minItems', 0)} items are refused"
            found.append(Breakage("min_items_increased", way, told, values))
        longest = reader.least("maxItems", inf)
        if longest < most:
            value = self._lengthened(writer, int(longest) + 1)
            found.append(Breakage("max_items_decreased", way, f"more than {longest} items are refused", value))
        if True in reader.each("uniqueItems") and True not in writer.each("uniqueItems") and most > 1:
            found.append(Breakage("unique_items_added", way, "equal items are refused", self._doubled(writer)))
        rows = max(writer.rows, reader.rows)
        for index in range(rows + 1):
            if index < most and self._is_possible(writer, index):
                step = index if index < rows else writer.rows
                step = max(step, reader.rows) if index == rows else index
                found += self.breakages(writer.item(index), reader.item(index), (*way, (writer, step)))
        return found

    def _is_possible(self, writer: Branch, index: int) -> bool:
        """Whether an array may have this item: every item up to it can have a value."""
        return all(self.writer.branches(writer.item(before)) for before in range(index + 1))

    def _lengthened(self, writer: Branch, length: int) -> tuple[Any, ...]:
        items: list[Any] = []
        for index in range(min(length, 10_000)):
            items += self._sampler.least(writer.item(index), 1)
        return (items,)

    def _doubled(self, writer: Branch) -> tuple[Any, ...]:
        items = self._sampler.of(writer, is_least=True)
        base = list(items[0]) if items else []
        while len(base) < 1 + 1:
            more = self._sampler.least(writer.item(len(base)), 1)
            if not more:
                return ()
            base += more
        return ([base[0], *base[:-1]], [base[-1], *base[1:-1], base[-1]])

    def _objects(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        found = []
        for name in sorted(reader.required - writer.required):
            values = tuple(self._without(writer, name))
            told = f"{name} is required now"
            found.append(Breakage("required_attribute_added", way, told, values, key=name))
        for name in dict.fromkeys((*writer.names, *sorted(writer.required), *reader.names)):
            writes = self.writer.child(writer, name)
            if self.writer.branches(writes):
                reads = self.reader.child(reader, name)
                found += self._named(writer, name, self.breakages(writes, reads, (*way, (writer, name))), reads, way)
        found += self._other_keys(writer, reader, way)
        found += self._counts(writer, reader, way)
        return found

    def _named(self, writer: Branch, name: str, found: list[Breakage], reads: Parts, way: Way) -> list[Breakage]:
        """A key that the reader refuses altogether was removed from it."""
        if found and not self.reader.branches(reads):
            place = (*way, (writer, name))
            values = tuple(self._sampler.least(self.writer.child(writer, name), 1))
            return [Breakage("property_removed", place, f"{name} is refused", values)]
        return found

    def _without(self, writer: Branch, name: str) -> list[Any]:
        made = self._sampler.of(writer, is_least=True)
        return [{key: value for key, value in one.items() if key != name} for one in made]

    def _other_keys(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        found: list[Breakage] = []
        step = (*way, (writer, OTHER))
        writes = self.writer.others(writer)
        reads_of_patterns = [tuple(schemas) for schemas in reader.patterns.values()]
        if self.writer.branches(writes):
            for reads in (self.reader.others(reader), *reads_of_patterns):
                found += self.breakages(writes, reads, step)
        for pattern, schemas in writer.patterns.items():
            step = (*way, (writer, name_like(pattern) or OTHER))
            targets = [tuple(reader.patterns[pattern])] if pattern in reader.patterns else [self.reader.others(reader)]
            others = [tuple(of) for one, of in reader.patterns.items() if one != pattern]
            for reads in (*targets, *others):
                found += self.breakages(tuple(schemas), reads, step)
        return found

    def _counts(self, writer: Branch, reader: Branch, way: Way) -> list[Breakage]:
        found = []
        fewest = reader.greatest("minProperties", 0)
        if fewest > max(writer.greatest("minProperties", 0), len(writer.required)):
            values = tuple(self._sampler.of(writer, is_least=True))
            found.append(Breakage("min_properties_increased", way, f"less than {fewest} keys are refused", values))
        most = reader.least("maxProperties", inf)
        is_closed = not self.writer.branches(self.writer.others(writer)) and not writer.patterns
        possible = min(writer.least("maxProperties", inf), len({*writer.names, *writer.required}) if is_closed else inf)
        if most < possible:
            everything = {
                name: value
                for name in writer.names
                for value in self._sampler.least(self.writer.child(writer, name), 1)
            }
            more = (
                {}
                if is_closed
                else {
                    f"key{n}": v
                    for n in range(int(most) + 1)
                    for v in self._sampler.least(self.writer.others(writer), 1)
                }
            )
            found.append(
                Breakage(
                    "max_properties_decreased", way, f"more than {most} keys are refused", ({**more, **everything},)
                )
            )
        return found


def _takes(reader: str, writer: str) -> bool:
    return reader == writer or (reader == "number" and writer == "integer")
