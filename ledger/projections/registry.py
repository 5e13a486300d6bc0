"""Every read model by name, and the fingerprint that tells which code a generation belongs to."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from sqlalchemy import Column

from ledger.errors import NotFoundError
from ledger.projections import (
    aliases,
    audit_trail,
    coverage,
    orders,
    subscriptions,
    totals,
    transactions,
)
from ledger.projections.view import Projection, indexes_of, merge_of

ENGINE_VERSION = 1
"""Raise it when the meaning of rows changes outside the modules of the views."""

_OF_ALL = {f"{__package__}.view"}

PROJECTIONS: Mapping[str, Projection] = {
    module.PROJECTION.name: module.PROJECTION
    for module in (
        transactions,
        aliases,
        subscriptions,
        orders,
        totals,
        coverage,
        audit_trail,
    )
}


def projection(name: str) -> Projection:
    """The read model of this name. Errors: NotFoundError."""
    if name not in PROJECTIONS:
        raise NotFoundError(f"no projection {name}; there are {', '.join(PROJECTIONS)}")
    return PROJECTIONS[name]


@cache
def fingerprint(view: Projection) -> str:
    """Identify tables and code of a view. Shape: 12 lower-case hex digits.

    Any change of its tables, or of the code of its module and of those it shares with other
    views, changes it; comments and layout do not. It is of the code that runs: files that are
    replaced under a running process do not change it.
    """
    parts = [str(ENGINE_VERSION), view.name]
    for table in view.all_tables:
        parts += [table.name, repr(indexes_of(table))]
        parts += [_column_told(column) for column in table.columns]
    module = sys.modules[view.rows.__module__]
    parts += [_code_of(one) for one in (module, *_shared(module))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _column_told(column: Column[Any]) -> str:
    told = (column.name, column.type, column.primary_key, column.nullable, merge_of(column))
    return " ".join(map(str, told))


def _shared(module: ModuleType) -> list[ModuleType]:
    """What a view takes from beside it; what every view is made with has ENGINE_VERSION."""
    names = {node.module for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom)}
    beside = {one for one in names if one and one.startswith(f"{__package__}.")} - _OF_ALL
    return [sys.modules[one] for one in sorted(beside)]


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _code_of(module: ModuleType) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # docstrings are no code
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]  # only nodes with a body get here
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


for _view in PROJECTIONS.values():
    fingerprint(_view)  # now, while the files are those that were imported
