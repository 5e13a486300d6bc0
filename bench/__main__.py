"""`python -m bench [ingest|rebuild|queries|verify|growth|all]`: how close to the limits it is."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.figures import Sheet, write_json
from bench.ground import Extent, apart, postgres_database
from bench.servers import postgres_server

WHATS = ("ingest", "rebuild", "queries", "verify", "growth")
"""Modules that measure `on_postgresql(url, extent)` and `on_sqlite(folder, extent)`.

They are loaded when they are needed: every worker of a rebuild loads this one first, as it would
the command, and must not pay for what the command does not load.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=[*WHATS, "all"], default="all")
    parser.add_argument("--only", choices=["postgresql", "sqlite"], help="one database")
    parser.add_argument("--events", type=int, default=1_000_000, help="how large a ledger")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each load")
    parser.add_argument("--workers", type=int, default=2, help="of a rebuild and an audit")
    parser.add_argument(
        "--postgres-url",
        default=os.environ.get("LEDGER_BENCH_POSTGRES_URL"),
        help="a server where databases may be made; by default one is started",
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    told = parser.parse_args()
    extent = Extent(told.events, told.rounds, told.seconds, told.workers)
    sheets = []
    for sheet in measured(list(WHATS) if told.what == "all" else [told.what], told, extent):
        print(sheet.table(), flush=True)
        sheets.append(sheet)
    if told.json:
        write_json(told.json, sheets)


def measured(whats: list[str], told: argparse.Namespace, extent: Extent) -> Iterator[Sheet]:
    if told.only != "sqlite":
        with postgres_server(told.postgres_url) as server:
            for what in whats:
                with postgres_database(server, f"ledger_bench_{what}") as url:
                    yield from apart(module(what).on_postgresql, url, extent)
    if told.only != "postgresql":
        for what in whats:
            with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
                yield from apart(module(what).on_sqlite, Path(folder), extent)


def module(what: str) -> Any:
    return import_module(f"bench.{what}")


if __name__ == "__main__":
    main()
