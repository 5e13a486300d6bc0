"""Real servers of engines for tests, each on a port of its own, and what their streams hold."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
import redis
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.faults.cluster import free_port
from tests.projections.helpers import eventually

Entry = tuple[str, bytes]
"""Topic and event."""


@dataclass
class Engine:
    """A server that runs, and how its stream is read by its own client."""

    address: str
    entries: Callable[[], list[Entry]]
    length: Callable[[], int]
    restart: Callable[[], None]


@contextmanager
def started(
    words: list[str], is_up: Callable[[], object], package: str
) -> Iterator[Callable[[], None]]:
    """Run a server until the end; yield how it is killed and started again."""
    if shutil.which(words[0], path="/usr/sbin:/usr/bin:/usr/local/bin") is None:
        pytest.skip(f"{words[0]} is not installed: apt-get install {package}")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        for process in running:
            process.kill()
            process.wait(10)
        running[:] = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
        eventually(lambda: answers(is_up))

    try:
        start()
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait(10)


def answers(is_up: Callable[[], object]) -> bool:
    try:
        is_up()
    except (OSError, redis.RedisError, nats.errors.Error):
        return False
    return True


@contextmanager
def redis_engine(folder: Path) -> Iterator[Engine]:
    port = free_port()
    client = redis.Redis(port=port)
    command = ["redis-server", "--port", str(port), "--dir", str(folder), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "always"]

    def entries() -> list[Entry]:
        rows = client.xrange("ipn-ledger")
        assert [id_.split(b"-")[1] for id_, _ in rows] == [b"0"] * len(rows)
        return [(fields[b"topic"].decode(), fields[b"event"]) for _, fields in rows]

    def length() -> int:
        return int(client.xlen("ipn-ledger"))

    with started(command, client.ping, "redis-server") as restart:
        yield Engine(f"redis://127.0.0.1:{port}/0", entries, length, restart)
    client.close()


@contextmanager
def nats_engine(folder: Path) -> Iterator[Engine]:
    port = free_port()
    address = f"nats://127.0.0.1:{port}"
    command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]

    async def connected() -> Client:
        limits = {"allow_reconnect": False, "connect_timeout": 2}
        return await nats.connect(address, error_cb=_unsaid, **limits)

    @asynccontextmanager
    async def context() -> AsyncIterator[JetStreamContext]:
        client = await connected()
        try:
            yield client.jetstream()
        finally:
            await client.close()

    async def read() -> list[Entry]:
        async with context() as stream:
            state = (await stream.stream_info("ipn-ledger")).state
            numbers = range(state.first_seq, state.last_seq + 1)
            rows = [await stream.get_msg("ipn-ledger", seq=number) for number in numbers]
        return [(row.subject or "", row.data or b"") for row in rows]

    async def count() -> int:
        async with context() as stream:
            with suppress(NotFoundError):  # nobody has published yet
                return (await stream.stream_info("ipn-ledger")).state.messages
        return 0

    async def connect() -> None:
        await (await connected()).close()

    def entries() -> list[Entry]:
        return [(topic.removeprefix("ipn-ledger."), event) for topic, event in asyncio.run(read())]

    with started(command, lambda: asyncio.run(connect()), "nats-server") as restart:
        yield Engine(address, entries, lambda: asyncio.run(count()), restart)


async def _unsaid(_: Exception) -> None:
    """Whoever asks is told by the exception itself."""


ENGINES = {"redis": redis_engine, "nats": nats_engine}
