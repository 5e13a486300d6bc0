"""Identify what a read model stores: its tables, and the code that fills them."""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Set
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

from sqlalchemy import Column, Table

from ledger.projections.definition import Projection, merge_of

_PRODUCT = __name__.partition(".")[0]


def compute_fingerprint(model: Projection, *, version: int) -> str:
    """Return 12 hex digits that change when what the read model stores may change.

    They cover its tables, its functions, and every function and constant of the product that these
    use, wherever it is declared. Comments, layout, docstrings, import lines and the paths of
    modules do not matter.
    """
    lines = [str(version), model.name]
    for table in model.all_tables:
        lines += [table.name, repr(table.info), *map(_describe_column, table.columns)]
    lines += _SourceText().lines_of(vars(model))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _describe_column(column: Column[Any]) -> str:
    traits = (column.name, column.type, column.primary_key, column.nullable, merge_of(column))
    return " ".join(map(str, traits))


def _is_ours(declared: object) -> bool:
    return getattr(declared, "__module__", "").partition(".")[0] == _PRODUCT


class _SourceText:
    """Writes values and the source of functions out, with everything of the product they use."""

    def __init__(self) -> None:
        self._written: set[object] = set()

    def lines_of(self, used: object) -> Iterator[str]:
        match used:
            case FunctionType() | type():
                if _is_ours(used) and used not in self._written:
                    self._written.add(used)
                    is_class = isinstance(used, type)
                    yield from self._class_lines(used) if is_class else self._code_lines(used)
            case Table():
                yield used.name
            case Mapping():
                for key in used:
                    yield str(key)
                    yield from self.lines_of(used[key])
            case Set():
                yield from sorted(map(repr, used))
            case tuple() | list():
                yield f"{len(used)} elements"
                for element in used:
                    yield from self.lines_of(element)
            case str() | int() | float() | None:
                yield repr(used)
            case _ if _is_ours(used):
                yield from self.lines_of(getattr(used, "__dict__", None))

    def _class_lines(self, declared: Any) -> Iterator[str]:
        """Write an enumeration's members and a class's methods; the engine fills its fields."""
        if issubclass(declared, Enum):
            yield from map(repr, declared)
        for name in sorted(vars(declared)):
            if isinstance(vars(declared)[name], FunctionType):
                yield from self.lines_of(vars(declared)[name])

    def _code_lines(self, function: Any) -> Iterator[str]:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [line for line in body if not _is_docstring(line)]  # type: ignore[attr-defined]  # only nodes with a body get here
        yield ast.unparse(tree)
        used = _values_used(function, tree)
        for name in sorted(used):
            yield name
            yield from self.lines_of(used[name])


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _values_used(function: Any, tree: ast.AST) -> dict[str, object]:
    """Return what a function uses from around it, by name."""
    around = function.__globals__ | inspect.getclosurevars(function).nonlocals
    used = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in around:
            used[node.id] = around[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = around.get(node.value.id)
            if isinstance(module, ModuleType):
                used[ast.unparse(node)] = getattr(module, node.attr, None)
    return used
