"""A fingerprint changes with what a read model stores, and with nothing else."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ledger import instants
from ledger.ipn import snapshots
from ledger.projections import audit_trail, definition, money_outcomes, orders, subscriptions
from ledger.projections.engine.fingerprints import compute_fingerprint
from ledger.projections.engine.registry import PROJECTIONS, fingerprint

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a module of read models from another path, after replacing some of its text."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # else one of the same second is taken

    def load(original: ModuleType, before: str = "", after: str = "") -> ModuleType:
        source = Path(str(original.__file__)).read_text()
        name = original.__name__.rpartition(".")[2]
        assert before in source
        file = tmp_path / f"{name}.py"
        file.write_text(source.replace(before, after) if before else source)
        spec = importlib.util.spec_from_file_location(f"ledger.elsewhere.{name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


def fingerprint_of(module: ModuleType) -> str:
    return compute_fingerprint(module.PROJECTION, version=1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("_metadata = MetaData()", "_metadata = MetaData()  # a comment"),
        ("def _keys(", "def  _keys("),
        (
            "    is_touched = lines.c.id.in_(line_ids)\n",
            "    is_touched = lines.c.id.in_(\n    line_ids)\n",
        ),
        ("def rows(event", "def unused() -> int:\n    return 1\n\n\ndef rows(event"),
        ("    line = _with_order(", '    """What is new here."""\n    line = _with_order('),
        ('"""One row per transaction;', '"""One row for each transaction;'),
        ("    BigInteger,\n    Column,\n", "    Boolean,\n    BigInteger,\n    Column,\n"),
        ("from typing import Any\n", "import sys\nfrom typing import Any, Final\n"),
    ],
    ids=[
        "another path",
        "comment",
        "spaces",
        "line break",
        "unused function",
        "new docstring",
        "docstring",
        "imported name",
        "import line",
    ],
)
def test_what_stores_the_same_rows_has_the_same_fingerprint(
    load: Load, before: str, after: str
) -> None:
    assert fingerprint_of(load(orders, before, after)) == fingerprint(PROJECTIONS["orders"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('    Column("uuid", Text),\n', '    Column("uuid", Text),\n    Column("new", Text),\n'),
        ('    Column("uuid", Text),\n', '    Column("uuid", BigInteger),\n'),
        ('merged(FIRST, "shop_id"', 'Column("shop_id"'),
        ('"indexes": (("uuid",),)', '"indexes": (("uuid", "status"),)'),
        ('"uuid": event.uuid', '"uuid": None'),
        ("func.min(line.c.first_seen_at)", "func.max(line.c.first_seen_at)"),
        ("lines.c.id.in_(line_ids)", "lines.c.uuid.in_(line_ids)"),
        ('_FACTS = ("parent_uuid", ', "_FACTS = ("),
        ('kinds=("transaction",)', 'kinds=("alias",)'),
    ],
    ids=[
        "new column",
        "type",
        "merge",
        "index",
        "rows",
        "grouping",
        "keys of a grouping",
        "constant",
        "kinds",
    ],
)
def test_what_stores_other_rows_has_another_fingerprint(
    load: Load, before: str, after: str
) -> None:
    assert fingerprint_of(load(orders, before, after)) != fingerprint(PROJECTIONS["orders"])


@pytest.mark.parametrize(
    ("before", "after", "is_changed"),
    [
        ('    "PRE_AUTHORISED",\n', '    "PRE_AUTHORISED",\n    "NEW",\n', True),
        ("amount), else_=0)", "amount), else_=1)", True),
        ('CAPTURED = ("CAPTURED",)', 'CAPTURED = ("CAPTURED", "NEW")', True),
        ('CAPTURED = ("CAPTURED",)', 'CAPTURED = tuple(["CAPTURED"])', False),
        ('"""Return an amount for sums', '"""Another docstring', False),
        ('UNKNOWN = "unknown"', 'UNKNOWN = "no idea"', False),  # orders do not use it
    ],
)
def test_what_a_model_uses_of_another_module_counts(
    load: Load, monkeypatch: pytest.MonkeyPatch, before: str, after: str, is_changed: bool
) -> None:
    changed = load(money_outcomes, before, after)
    monkeypatch.setitem(sys.modules, money_outcomes.__name__, changed)

    is_other = fingerprint_of(load(orders)) != fingerprint(PROJECTIONS["orders"])

    assert is_other is is_changed


@pytest.mark.parametrize(
    ("module", "before", "after", "model"),
    [
        (snapshots, '    "number": "number of', '    "nth": "number of', subscriptions),
        (definition, "doubtful is None else 1", "doubtful is None else 2", orders),
        (definition, "self.other_first_seen_at or timestamp", "timestamp", orders),
        (definition, 'CONTINUED = "is_continued"', 'CONTINUED = "goes_on"', orders),
        (definition, '"version": 1 +', '"version": 2 +', subscriptions),
        (instants, "fromisoformat", "fromtimestamp", audit_trail),
    ],
    ids=[
        "declared facts",
        "property",
        "property by a local variable",
        "name of a column",
        "function",
        "function of a function",
    ],
)
def test_a_value_or_a_function_that_is_imported_counts(
    load: Load,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    before: str,
    after: str,
    model: ModuleType,
) -> None:
    known = fingerprint_of(load(model))
    monkeypatch.setitem(sys.modules, module.__name__, load(module))
    same = fingerprint_of(load(model))
    monkeypatch.setitem(sys.modules, module.__name__, load(module, before, after))

    changed = fingerprint_of(load(model))

    assert same == known
    assert changed != known


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('b"a"', 'b"b"'),
        ("True", "False"),
        ('re.compile("a")', 're.compile("b")'),
        ("date(2026, 1, 1)", "date(2026, 1, 2)"),
        ('Decimal("1.0")', 'Decimal("1.00")'),
        ('partial(str, "a")', 'partial(str, "b")'),
        ("partial(min, 1)", "partial(max, 1)"),
        ('attrgetter("a")', 'attrgetter("b")'),
        ("lambda: 1", "lambda: 2"),
        ('{\n    "a": lambda: 1\n}', '{\n    "a": lambda: 2\n}'),
        ('{\n    "a": lambda: re.I\n}', '{\n    "a": lambda: re.M\n}'),
        ("Text(8)", "Text(9)"),
        ('{"a": [frozenset({"b", "c"})]}', '{"a": [frozenset({"b", "d"})]}'),
        ('{"a": ("b", "c")}', '{"a": ("c", "b")}'),
        ('case((order_lines.c.id == "a", 1))', 'case((order_lines.c.id == "b", 1))'),
        ("case((order_lines.c.id.is_(None), 1))", "case((order_lines.c.uuid.is_(None), 1))"),
        ('AliasSnapshot("a", {}, True, True)', 'AliasSnapshot("b", {}, True, True)'),
        ("Mode.TEST", "Mode.PRODUCTION"),
        ("cache(lambda: 1)", "cache(lambda: 2)"),
    ],
)
def test_every_kind_of_value_that_a_function_uses_counts(
    load: Load, first: str, second: str
) -> None:
    def fingerprint_with(expression: str) -> str:
        used = f"{VALUES}VALUE = {expression}\n\n\ndef _used() -> object:\n    return VALUE\n\n\n"
        begin = "def rows(event: EventRecord) -> Rows:\n"
        return fingerprint_of(load(orders, begin, f"{used}{begin}    _used()\n"))

    assert fingerprint_with(first) == fingerprint_with(first)
    assert fingerprint_with(first) != fingerprint_with(second)


VALUES = """
import re
from datetime import date
from decimal import Decimal
from functools import cache, partial
from operator import attrgetter
from ledger.ipn.modes import Mode
from ledger.ipn.snapshots import AliasSnapshot

"""


def test_the_version_of_the_engine_counts() -> None:
    model = PROJECTIONS["orders"]

    assert compute_fingerprint(model, version=2) != compute_fingerprint(model, version=1)


PRINT = f"""
from {fingerprint.__module__} import PROJECTIONS, fingerprint
print(*(fingerprint(model) for model in PROJECTIONS.values()))
"""


def test_every_process_of_the_same_code_has_the_same_fingerprints() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.split() == [fingerprint(model) for model in PROJECTIONS.values()]
