"""Measures publishing to a stream of Redis against reading the same feed in pages over HTTP."""

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, fill_events, median, open_ledger, timed
from bench.ingest import THREADS
from bench.servers import Served, free_port, ledger, served
from ledger.access.roles import AUDITOR
from ledger.access.tokens import create_token
from ledger.application import Ledger
from ledger.publishing.destination import open_engine, read_address
from ledger.publishing.publisher import PAGE, Publisher

EVENTS_MAX = 100_000
START_SECONDS_MAX = 10.0
READING = f"the feed over HTTP, pages of {PAGE}"
GOAL = Goal(low=0.5)


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    return _measured("PostgreSQL", url, extent)


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return _measured("SQLite", f"sqlite:///{folder / 'publishing.sqlite'}", extent)


def _measured(database: str, url: str, extent: Extent) -> list[Sheet]:
    if shutil.which("redis-server") is None:
        print("redis-server is not installed: publishing is not measured")
        return []
    count = min(extent.events, EVENTS_MAX)
    rates: dict[str, list[float]] = {READING: [], "to Redis": []}
    environ = {"LEDGER_RATE_PER_TOKEN": "1000000/minute"}
    environ["LEDGER_RATE_PER_ADDRESS"] = environ["LEDGER_RATE_PER_TOKEN"]
    with open_ledger(url) as filled:
        fill_events(filled, count, with_journal=True)
        with filled.database.begin() as connection:
            _, token = create_token(connection, name="bench", role=AUDITOR, now=datetime.now(UTC))
        newest = filled.events.newest_position() or 0
        with served(ledger(1, THREADS), url, environ=environ) as server, _redis() as address:
            for number in range(extent.rounds):
                stream = f"{address}?stream=round-{number}"
                rates[READING].append(count / timed(lambda: _read(server, token, newest)))
                rates["to Redis"].append(count / timed(lambda at=stream: _publish(filled, at)))  # type: ignore[misc]
    sheet = Sheet("publishing", database, f"{count} events, {extent.rounds} rounds")
    for name, own in rates.items():
        figure = sheet.add(name, rate=median(own))
        if name != READING:
            figure.ratio, figure.of, figure.goal = ratios(own, rates[READING]), READING, GOAL
    return [sheet]


def _read(server: Served, token: str, newest: int) -> None:
    position = 0
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        while position < newest:
            path = f"/api/v1/events?after={position}&limit={PAGE}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            position = json.loads(response.read())["items"][-1]["position"]


def _publish(filled: Ledger, address: str) -> None:
    destination = read_address(address)
    with closing(open_engine(destination)) as stream:
        publisher = Publisher(filled, stream, destination.name, "urn:bench")
        publisher.begin()
        for _ in publisher.pages():
            pass


@contextmanager
def _redis() -> Iterator[str]:
    """A server that writes each entry to its disk once a second, as is usual."""
    port = free_port()
    with TemporaryDirectory(prefix="ledger-bench-") as folder:
        words = ["redis-server", "--port", str(port), "--dir", folder, "--appendonly", "yes"]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_SECONDS_MAX
            while not _is_up(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait(START_SECONDS_MAX)


def _is_up(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.RedisError:
        return False
