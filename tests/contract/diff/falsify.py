"""Tries to prove verdicts wrong, with documents drawn at random.

python -m tests.contract.diff.falsify [--pairs 2000] [--seed 1] [--documents 60]
"""

import argparse
import copy
import json
import random
import sys
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from bc_events import TopicTable
from bc_events.contract.diff.content_model import opened
from bc_events.contract.diff.sample import Sampler
from bc_events.contract.diff.side import Side
from bc_events.contract.diff.verdict import verdict
from bc_events.topics.schemas import SchemaError, compile_schema
from tests.contract.typed.schemas import schemas

from .changes import changed

DATA = Path(__file__).parents[4] / "shared" / "data" / "github-webhooks" / "topics.yaml"


def real_schemas():
    """The schemas of 67 real topics."""
    return [json.loads(json.dumps(topic.schema)) for topic in TopicTable.read(DATA).values()]


def made_schemas(count):
    """Random schemas, always the same."""
    drawn = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(schemas())
    def draw(schema):
        drawn.append(copy.deepcopy(schema))

    draw()
    return drawn


def judged(old, seed, *, is_lenient, documents):
    """A verdict on one random change of a schema, and what proves it wrong, if anything."""
    rng = random.Random(seed)
    new, change = changed(old, rng)
    writer, reader = (old, new) if rng.random() < 0.5 else (new, old)
    try:
        writes = compile_schema(writer)
        reads = compile_schema(opened(reader) if is_lenient else reader)
    except SchemaError:
        return None, change, []
    found = verdict(writer, reader, is_lenient=is_lenient)
    wrong = [
        f"its example is no break: {one}"
        for one in found.breaks
        if not writes.is_valid(one.example) or reads.is_valid(one.example)
    ]
    if found.status == "breaking":
        return found, change, wrong if found.breaks else ["no example"]
    sampler = Sampler(Side(writer, "writer", is_lenient=is_lenient), seed + 1)
    for _ in range(documents):
        for document in sampler.any((writer,)):
            if writes.is_valid(document) and not reads.is_valid(document):
                wrong.append(f"{found.status}, but {reads.violations(document)[0]}")
    return found, change, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=60)
    options = parser.parse_args()
    kinds = {"made": made_schemas(200)}
    if DATA.is_file():
        kinds["real"] = real_schemas()
    else:
        print(f"NO REAL SCHEMAS: {DATA} is absent")
    has_failed = False
    for kind, found in kinds.items():
        for is_lenient in (True, False):
            counts = Counter()
            for pair in range(options.pairs // (2 * len(kinds))):
                seed = options.seed * 1_000_000 + pair
                verdict_, change, wrong = judged(
                    found[pair % len(found)], seed, is_lenient=is_lenient, documents=options.documents
                )
                counts[verdict_.status if verdict_ else "no schema"] += 1
                if wrong:
                    has_failed = True
                    print(f"WRONG: {kind}, seed {seed}, {change}: {wrong[0]}")
            share = counts["unknown"] / max(1, counts.total() - counts["no schema"])
            has_failed |= share > 0.05
            model = "lenient" if is_lenient else "strict"
            print(f"{kind} schemas, {model}: {dict(sorted(counts.items()))}, {share:.1%} unknown")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
