"""A fingerprint changes with what a read model stores, and with nothing else."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ledger.projections import money_outcomes, orders
from ledger.projections.engine.fingerprints import compute_fingerprint
from ledger.projections.engine.registry import PROJECTIONS, fingerprint

Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a module of read models from another path, after replacing some of its text."""

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
