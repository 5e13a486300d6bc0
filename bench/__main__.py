"""`python -m bench [NAME|all]`: measures against limits. NAME is one of BENCHMARKS."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.figures import Sheet, write_json
from bench.ground import Extent, apart, master_keys, postgres_database
from bench.servers import postgres_server

BENCHMARKS = (
    "ingest",
    "rebuild",
    "queries",
    "verify",
    "growth",
    "proof",
    "reconcile",
    "publishing",
    "storage",
)
"""Modules that have `on_postgresql(url, extent)` and `on_sqlite(folder, extent)`.

They are loaded when they are needed: every worker of a rebuild loads this module first, as it
would the command, and must not pay for what the command does not load.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benchmark", nargs="?", choices=[*BENCHMARKS, "all"], default="all")
    parser.add_argument("--only", choices=["postgresql", "sqlite"], help="one database")
    parser.add_argument("--events", type=int, default=1_000_000, help="how large a ledger")
    parser.add_argument("--calls", type=int, default=2_000, help="how many with a log")
    parser.add_argument("--entries", type=int, default=20_000, help="of a large log")
    parser.add_argument(
        "--before",
        type=Path,
        help="a checkout of another commit, to which `ingest`, `proof` and `storage` are compared",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each load")
    parser.add_argument("--workers", type=int, default=2, help="of a rebuild and an audit")
    parser.add_argument(
        "--postgres-url",
        default=os.environ.get("LEDGER_BENCH_POSTGRES_URL"),
        help="a server where databases may be made; by default one is started",
    )
    parser.add_argument(
        "--shared-buffers", help="of a server that is started: 16MB, less than its indexes take"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    sheets = []
    for sheet in measure(options):
        print(sheet.table(), flush=True)
        sheets.append(sheet)
    if options.json:
        write_json(options.json, sheets)


def measure(options: argparse.Namespace) -> Iterator[Sheet]:
    """Run the benchmarks that were named, first on PostgreSQL, then on SQLite."""
    extent = Extent(
        options.events,
        options.rounds,
        options.seconds,
        options.workers,
        options.calls,
        options.entries,
        options.before and options.before.resolve(),
    )
    benchmarks = BENCHMARKS if options.benchmark == "all" else (options.benchmark,)
    if options.only != "sqlite":
        started = postgres_server(options.postgres_url, options.shared_buffers)
        with started as server, master_keys():
            for name in benchmarks:
                with postgres_database(server, f"ledger_bench_{name}") as url:
                    yield from apart(module(name).on_postgresql, url, extent)
    if options.only != "postgresql":
        for name in benchmarks:
            with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
                yield from apart(module(name).on_sqlite, Path(folder), extent)


def module(benchmark: str) -> Any:
    """Import the module of a benchmark."""
    return import_module(f"bench.{benchmark}")


if __name__ == "__main__":
    main()
