"""Stubs that type the calls of `bc_events.events` itself, for a service that keeps its imports."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Final

import bc_events
from bc_events import events

from .typed_calls import typed_calls
from .typed_module import digest_of

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable

PACKAGE: Final = "bc_events-stubs"
"""The folder of a stub package, as PEP 561 names it. It is a partial one: the other modules keep their own types."""
_REPLACED: Final = frozenset({"__getattr__", "__dir__", "current_session"})
_HEAD: Final = "# Written by `bc-events gen --stubs` from {source}. sha256 of {source}: {digest}\n"


def stub_overlay(table: TopicTable, source: str, definitions: bytes) -> dict[str, str]:
    """The files of the stub package with their text. The arguments are those of `typed_module`."""
    head = _HEAD.format(source=source, digest=digest_of(definitions))
    ambient = _Stubs().visit(ast.parse(inspect.getsource(events)))
    calls = "\n".join(typed_calls(table))
    return {
        "__init__.pyi": f"{head}{_exports()}\n",
        "events.pyi": f"{head}{ast.unparse(ambient)}\n\n{calls}\n",
        "py.typed": "partial\n",
    }


def _exports() -> str:
    lines = [f"from .{module} import {name} as {name}" for name, module in sorted(bc_events._HOMES.items())]
    return "\n".join(["from . import events as events", *lines, "", "__version__: str"])


class _Stubs(ast.NodeTransformer):
    """Leaves a function its signature and docstring. Leaves out what the typed calls replace."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [part for part in node.body if getattr(part, "name", "") not in _REPLACED]
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = _described(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        node.body = _described(node)
        return node


def _described(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    docstring = function.body[:1] if ast.get_docstring(function) is not None else []
    return [*docstring, ast.Expr(ast.Constant(...))]
