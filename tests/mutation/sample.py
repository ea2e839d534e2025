"""`python -m tests.mutation.sample SESSION COUNT SEED`: keeps so many of the changes that cosmic-ray has planned.

Changes that no test could notice are left out first: in annotations, signatures and overloads, in classes that only
type checkers read, in the arguments of `dataclass`, in the seconds of a private constant, and a `cache` that is taken
off.
"""

import ast
import random
import sqlite3
import sys
from functools import cache
from pathlib import Path

PLANNED = """
    select job_id, module_path, start_pos_row, start_pos_col from mutation_specs
    where job_id not in (select job_id from work_results)
    order by module_path, start_pos_row, start_pos_col, operator_name, operator_args, occurrence
"""

UNNOTICED = ("overload", "cache")
"""Decorators without which a function returns the same."""


def is_noise(path, row, column):
    return any(start <= (row, column) < end for start, end in noise_of(path))


@cache
def noise_of(path):
    return [span for node in ast.walk(ast.parse(Path(path).read_text())) for span in noise_in(node)]


def noise_in(node):
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (span_of(one) for one in node.decorator_list if getattr(one, "id", "") in UNNOTICED)
            start = (node.lineno, node.col_offset)
            for default in (*node.args.defaults, *node.args.kw_defaults):
                if default is not None:
                    yield start, span_of(default)[0]
                    start = span_of(default)[1]
            yield start, span_of(node.body[0])[0]
        case ast.AnnAssign():
            yield span_of(node.annotation)
            if is_private_time(node):
                yield span_of(node.value)
        case ast.ClassDef() if any(is_protocol(base) for base in node.bases):
            yield span_of(node)
        case ast.Call(func=ast.Name(id="dataclass")):
            yield span_of(node)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            yield span_of(node)


def is_private_time(node):
    """Whether it is such as `_BETWEEN_LOOKS: Final = 0.2`. No test asserts a time."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=float())):
            return name.startswith("_")
    return False


def is_protocol(base):
    name = base.value if isinstance(base, ast.Subscript) else base
    return isinstance(name, ast.Name) and name.id == "Protocol"


def span_of(node):
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def main(session, count, seed):
    with sqlite3.connect(session) as database:
        planned = [job for job, *place in database.execute(PLANNED) if not is_noise(*place)]
        chosen = set(random.Random(int(seed)).sample(planned, min(int(count), len(planned))))
        known = [job for (job,) in database.execute("select job_id from work_items")]
        left_out = [(job,) for job in known if job not in chosen]
        for table in ("mutation_specs", "work_results", "work_items"):
            database.executemany(f"delete from {table} where job_id = ?", left_out)
    print(f"{len(chosen)} of {len(planned)} changes, with seed {seed}")


if __name__ == "__main__":
    main(*sys.argv[1:])
