"""What the documents say about events, rules and facts is what the code says."""

import re
from typing import get_origin

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from tests.documents.reference import DOCS

EVENTS = (DOCS / "events.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()


def fields_of(event_class: type[LedgerAggregate.Event]) -> set[str]:
    annotations: dict[str, object] = {}
    for parent in reversed(event_class.__mro__):
        annotations |= vars(parent).get("__annotations__", {})
    return {
        name
        for name, kind in annotations.items()
        if "ClassVar" not in str(get_origin(kind) or kind) and name not in _NOT_STORED
    }


_NOT_STORED = {"originator_id_type"}  # how the library tells a class what its ids are


def test_every_field_of_an_event_is_described_and_no_other() -> None:
    section = EVENTS.split("## What every event carries")[1].split("\n## ")[0]
    described = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))

    assert described == set().union(*map(fields_of, EVENT_CLASSES.values()))


def test_the_architecture_begins_with_its_pictures_and_stays_short() -> None:
    lines = ARCHITECTURE.splitlines()
    pictures = [number for number, line in enumerate(lines) if line == "```mermaid"]

    assert len(lines) < 250
    assert len(pictures) == 2
    assert lines[pictures[0] - 2].startswith("## ")
    assert pictures[0] < 15


def test_every_room_has_its_row_in_the_architecture_and_no_other() -> None:
    root = DOCS.parent
    rooms = {
        f"{path.parent.relative_to(root).as_posix()}/"
        for path in (root / "ledger").glob("*/**/__init__.py")
    } - {"ledger/simulator/stories/"}
    section = ARCHITECTURE.split("## The rooms")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w/.]+)`", row.split("|")[1])}

    assert {name for name in named if name.startswith("ledger/") and name.endswith("/")} == rooms
    assert {"ledger/application.py", "ledger/errors.py", "web/"} <= named


def test_every_file_that_the_documents_name_by_its_last_part_exists() -> None:
    names = {
        path.name
        for folder in ("ledger", "web", "tests")
        for path in (DOCS.parent / folder).rglob("*.py")
    }
    for document in DOCS.rglob("*.md"):
        for name in re.findall(r"`(\w+\.py)`", document.read_text()):
            assert name in names, f"{document.name}: {name}"
