"""What a call costs the database: bytes that stay, and the time of its processors."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.bodies import write_bodies
from bench.checkouts import Checkout, checkout
from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, median
from bench.proof_steps import sealed_bytes, settle, stored_bytes, table_bytes

TABLES = 10
"""So many are shown, the largest first."""


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
        return [_measured("PostgreSQL", url, Path(folder), extent)]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return [_measured("SQLite", folder, folder, extent)]


def _measured(database: str, place: str | Path, folder: Path, extent: Extent) -> Sheet:
    with ExitStack() as stack:
        sides = [stack.enter_context(checkout("storage", place, folder))]
        if extent.before is not None:
            former = checkout("storage_before", place, folder, extent.before)
            sides.append(stack.enter_context(former))
        empty = [_empty_bytes(each) for each in sides]
        calls = extent.calls // extent.rounds
        cpu_ms: list[list[float]] = [[] for _ in sides]
        raw = 0
        for number in range(extent.rounds):
            bodies = folder / "bodies"
            raw += calls * write_bodies(bodies, calls, f"storage{database}{number}")
            turns = list(zip(sides, cpu_ms, strict=True))
            for each, own_ms in turns[:: -1 if number % 2 else 1]:
                own_ms.append(each.run("receive", str(bodies))["server_ms"])
        for each in sides:
            settle(each.url)
        words = f"{calls * extent.rounds} calls in {extent.rounds} rounds, all read models followed"
        sheet = Sheet("storage", database, words)
        grown = [stored_bytes(each.url) - size for each, size in zip(sides, empty, strict=True)]
        _add_sizes(sheet, sides, grown, raw, calls * extent.rounds)
        if not isinstance(place, Path):
            _add_cpu(sheet, sides, cpu_ms)
    return sheet


def _empty_bytes(side: Checkout) -> int:
    """Return what tables and indexes take before the first call."""
    side.run("receive", "/dev/null")
    return stored_bytes(side.url)


def _add_sizes(sheet: Sheet, sides: list[Checkout], grown: list[int], raw: int, calls: int) -> None:
    mine = sides[0].url
    is_sqlite = mine.startswith("sqlite")
    for each, size in zip(sides, grown, strict=True):
        name = f"all tables and indexes, {each.label}, a call"
        figure = sheet.add(name, value=size / calls, unit="bytes", ratio=size / raw)
        figure.of = "raw bodies"
        if each.is_now and not is_sqlite:
            figure.goal = Goal(high=0.9)
    if len(grown) > 1:
        sheet.add("  all", ratio=grown[0] / grown[1], of="before")
    bodies = sealed_bytes(mine)
    figure = sheet.add("sealed bodies, a call", value=bodies / calls, unit="bytes")
    figure.ratio, figure.of = bodies / raw, "raw bodies"
    figure.goal = None if is_sqlite else Goal(high=0.12)
    for table, size in list(table_bytes(mine).items())[:TABLES]:
        sheet.add(f"  {table}, with its indexes", value=size / calls, unit="bytes")


def _add_cpu(sheet: Sheet, sides: list[Checkout], cpu_ms: list[list[float]]) -> None:
    """Write the time that the database's processes took; nothing where they run elsewhere."""
    if not all(map(all, cpu_ms)):
        sheet.remarks.append("  the database's processes are not on this machine")
        return
    for each, own_ms in zip(sides, cpu_ms, strict=True):
        name = f"time of the server's processors, {each.label}, a call"
        figure = sheet.add(name, value=median(own_ms), unit="ms")
    if len(sides) > 1:
        mine, before = cpu_ms
        figure = sheet.add("  its time", ratio=ratios(mine, before), of="before")
        figure.goal = Goal(high=0.7)
