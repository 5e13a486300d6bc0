"""Identify what a read model stores: its tables, and the code that fills them."""

import ast
import hashlib
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Set
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from functools import cached_property, partial
from importlib import import_module
from operator import attrgetter, itemgetter
from types import FunctionType, MethodType, ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Column, Table
from sqlalchemy.types import TypeEngine

from ledger.projections.definition import Projection, merge_of

_PRODUCT = __name__.partition(".")[0]


def compute_fingerprint(model: Projection, *, version: int) -> str:
    """Return 12 hex digits that change when what the read model stores may change.

    They cover its tables, its functions, and every function, class and value that these use,
    wherever it is declared or imported from. Comments, layout, docstrings, import lines and the
    paths of modules do not matter; another name for a local variable does.
    """
    lines = [str(version), model.name]
    for table in model.all_tables:
        lines += [table.name, repr(table.info), *map(_describe_column, table.columns)]
    lines += _SourceText().lines_of(vars(model))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _describe_column(column: Column[Any]) -> str:
    traits = (column.name, column.type, column.primary_key, column.nullable, merge_of(column))
    return " ".join(map(str, traits))


_PLAIN: tuple[type, ...] = (
    *(str, bytes, int, float, type(None), Decimal, UUID, Enum, range, re.Pattern),
    *(date, time, timedelta, tzinfo, attrgetter, itemgetter, TypeEngine),
)
"""Values that `repr` writes whole, and in every process alike."""

_CONTAINERS = (Mapping, Set, tuple, list)
_METHODS = (FunctionType, property, cached_property, classmethod, staticmethod)


def _is_ours(declared: object) -> bool:
    return str(getattr(declared, "__module__", "")).partition(".")[0] == _PRODUCT


class _SourceText:
    """Writes values and the source of functions out, with everything of the product they use."""

    def __init__(self) -> None:
        self._written: set[object] = set()

    def lines_of(self, used: object) -> Iterator[str]:
        match used:
            case FunctionType() | type():
                yield from self._declaration_lines(used)
            case _ if isinstance(used, _PLAIN):
                yield repr(used)
            case _ if isinstance(used, _CONTAINERS):
                yield from self._container_lines(used)
            case property() | cached_property() | classmethod() | staticmethod() | MethodType():
                yield from self.lines_of(_function_of(used))
            case partial():
                yield from self.lines_of((used.func, used.args, used.keywords))
            case Table():
                yield used.name
            case ClauseElement():
                compiled = used.compile()
                yield from self.lines_of((str(compiled), dict(compiled.params)))
            case _ if hasattr(used, "__wrapped__"):  # a function with a cache, for example
                yield from self.lines_of(used.__wrapped__)
            case _ if _is_ours(used):
                yield from self._object_lines(used)
            case _ if not isinstance(used, ModuleType):
                yield getattr(used, "__qualname__", type(used).__qualname__)

    def _declaration_lines(self, used: Any) -> Iterator[str]:
        if not _is_ours(used):
            yield used.__qualname__
        elif used not in self._written:
            self._written.add(used)
            yield from self._class_lines(used) if isinstance(used, type) else self._code_lines(used)

    def _container_lines(self, used: Any) -> Iterator[str]:
        yield f"{len(used)} elements"
        if isinstance(used, Set):
            yield from sorted("\n".join(self.lines_of(element)) for element in used)
        elif isinstance(used, Mapping):
            for key in used:
                yield from self.lines_of(key)
                yield from self.lines_of(used[key])
        else:
            for element in used:
                yield from self.lines_of(element)

    def _object_lines(self, used: Any) -> Iterator[str]:
        """Write what an object of ours holds, and what its class does with it."""
        if id(used) in self._written:
            return
        self._written.add(id(used))
        yield from self.lines_of(type(used))
        slots = [name for class_ in type(used).__mro__ for name in getattr(class_, "__slots__", ())]
        for name in (*slots, *getattr(used, "__dict__", ())):
            yield name
            yield from self.lines_of(getattr(used, name, None))

    def _class_lines(self, declared: Any) -> Iterator[str]:
        """Write an enumeration's members, a class's methods and its constants."""
        is_enum = issubclass(declared, Enum)
        if is_enum:
            yield from map(repr, declared)
        for base in declared.__bases__:
            yield from self._declaration_lines(base)
        for name, member in sorted(vars(declared).items()):
            is_method = isinstance(member, _METHODS)
            is_constant = not name.startswith("__") and isinstance(member, _PLAIN + _CONTAINERS)
            if is_method or (is_constant and not is_enum):
                yield name
                yield from self.lines_of(member)

    def _code_lines(self, function: Any) -> Iterator[str]:
        if inspect.unwrap(function).__code__.co_filename.startswith("<"):
            return  # made by a library from what is declared, as a data class's constructor
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except SyntaxError:  # its lines are a part of an expression
            yield from self._lambda_lines(function)
            return
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [line for line in body if not _is_docstring(line)]  # type: ignore[attr-defined]  # only nodes with a body get here
        yield ast.unparse(tree)
        names = _NamesUsed(function)
        names.collect(tree)
        for name in sorted(names.values):
            yield name
            yield from self.lines_of(names.values[name])

    def _lambda_lines(self, function: Any) -> Iterator[str]:
        yield function.__code__.co_code.hex()
        yield from self.lines_of(function.__code__.co_consts)
        for name in function.__code__.co_names:
            yield name
            yield from self.lines_of(function.__globals__.get(name))


def _function_of(wrapper: Any) -> object:
    match wrapper:
        case property():
            return wrapper.fget
        case cached_property():
            return wrapper.func
    return wrapper.__func__


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class _NamesUsed:
    """Collects the values that a function uses from around it, by name.

    Of what stands in a module or a class only what is named counts, not all the rest of it.
    """

    def __init__(self, function: Any) -> None:
        self.values: dict[str, object] = {}
        self._around = function.__globals__ | inspect.getclosurevars(function).nonlocals
        self._package = function.__globals__.get("__package__")

    def collect(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name) if name in self._around:
                self.values[name] = self._around[name]
                return
            case ast.Attribute(value=before, attr=name) if _has_names(self._resolved(before)):
                self.values[ast.unparse(node)] = self._resolved(node)
                return
            case ast.ImportFrom(module=path, level=level, names=aliases):
                module = import_module("." * level + (path or ""), self._package)
                for alias in aliases:
                    self.values[alias.asname or alias.name] = getattr(module, alias.name, None)
        for child in ast.iter_child_nodes(node):
            self.collect(child)

    def _resolved(self, node: ast.AST) -> object:
        match node:
            case ast.Name(id=name):
                return self._around.get(name)
            case ast.Attribute(value=before, attr=name) if _has_names(self._resolved(before)):
                return getattr(self._resolved(before), name, None)
        return None


def _has_names(owner: object) -> bool:
    return isinstance(owner, ModuleType | type)
