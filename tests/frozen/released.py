"""What a release has shipped and nobody may change afterwards: migrations, and stored events."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS, EVENTS = Path("alembic/versions"), Path("tests/frozen")
RELEASED = EVENTS / "released.json"

Shipped = dict[str, Any]
"""The `releases`, oldest first; digests of the `migrations`; of the `events` of each file: how many
lines, and their digest. Lines may come behind them."""


def released(root: Path = ROOT) -> Shipped:
    """Return what releases have shipped so far; before the first one its parts are empty."""
    return dict(json.loads((root / RELEASED).read_text()))


def shipped_now(releases: list[str], root: Path = ROOT) -> Shipped:
    """Return what a release of these files ships."""
    migrations = sorted((root / MIGRATIONS).glob("*.py"))
    samples = sorted((root / EVENTS).glob("*.jsonl"))
    return {
        "releases": releases,
        "migrations": {path.name: _digest(path.read_bytes()) for path in migrations},
        "events": {path.name: _lines(path, path.read_bytes().count(b"\n")) for path in samples},
    }


def changes(root: Path = ROOT) -> list[str]:
    """Return a sentence for each file of which something that was released is otherwise now."""
    shipped = released(root)
    migrations = [
        f"{MIGRATIONS / name} was released and is never edited: add a migration instead"
        for name, digest in shipped["migrations"].items()
        if not (path := root / MIGRATIONS / name).exists() or _digest(path.read_bytes()) != digest
    ]
    events = [
        f"a line of {EVENTS / name} was released and is never edited: stored events are for ever;"
        " a new version of a class gets a file, and a line, of its own"
        for name, lines in shipped["events"].items()
        if not (path := root / EVENTS / name).exists() or _lines(path, lines["count"]) != lines
    ]
    return migrations + events


def versions(changelog: str) -> list[str]:
    """Return the versions that a changelog says are released, oldest first."""
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)[::-1]


def _lines(path: Path, count: int) -> dict[str, int | str]:
    lines = path.read_bytes().splitlines(keepends=True)[:count]
    return {"count": len(lines), "sha256": _digest(b"".join(lines))}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
