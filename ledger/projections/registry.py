"""Every read model by name, and the fingerprint that tells which code a generation belongs to."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Mapping
from functools import cache
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

    Any change of its tables or of its module's code changes it; comments and layout do not.
    """
    parts = [str(ENGINE_VERSION), view.name]
    for table in view.all_tables:
        parts += [table.name, repr(indexes_of(table))]
        parts += [_column_told(column) for column in table.columns]
    parts.append(_code_of(view))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _column_told(column: Column[Any]) -> str:
    told = (column.name, column.type, column.primary_key, column.nullable, merge_of(column))
    return " ".join(map(str, told))


def _code_of(view: Projection) -> str:
    module = sys.modules[view.rows.__module__]
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # docstrings are no code
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]  # only nodes with a body get here
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
