"""A field of an event is declared once; every output shows it."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson

from ledger.aggregates.event import LedgerEvent
from ledger.aggregates.event_fields import EVENT_FIELDS

ROOT = Path(__file__).parents[2]
LAST_ATTRIBUTE = "    source: str | None = None\n"
IMAGINARY = '    weather: str | None = "rain"\n'

SHOW_EVERY_OUTPUT = Path(__file__).with_name("every_output_of_an_event.py")


def test_a_new_attribute_of_the_event_class_is_in_every_output(tmp_path: Path) -> None:
    for package in ("ledger", "web"):
        shutil.copytree(ROOT / package, tmp_path / package)
    base = tmp_path / Path(inspect.getfile(LedgerEvent)).relative_to(ROOT)
    code = base.read_text(encoding="utf-8")
    assert code.count(LAST_ATTRIBUTE) == 1
    base.write_text(code.replace(LAST_ATTRIBUTE, LAST_ATTRIBUTE + IMAGINARY), encoding="utf-8")

    outputs = orjson.loads(
        subprocess.run(
            [sys.executable, str(SHOW_EVERY_OUTPUT)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            check=True,
        ).stdout
    )

    for name in ("answer", "file", "record", "audit trail"):
        assert outputs[name]["weather"] == "rain", name
    assert outputs["columns"]["weather"] == "text"
    assert "weather" in outputs["answer schema"]


def test_every_field_says_what_it_means() -> None:
    assert [field.name for field in EVENT_FIELDS if not field.meaning] == []


def test_no_field_is_declared_twice() -> None:
    names = [field.name for field in EVENT_FIELDS]

    assert len(set(names)) == len(names)
