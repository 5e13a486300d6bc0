"""Run real services for tests: `ledger serve` in its own processes, before a real database."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ledger.access.tokens import create_token
from tests.builders import KEYS_ENVIRON
from tests.conftest import opened
from tests.log_lines import check_lines

ROOT = Path(__file__).resolve().parents[1]
LEDGER = [sys.executable, "-c", "from ledger.cli import cli; cli()"]
READY_SECONDS_MAX = 60


@dataclass
class Service:
    """A service that runs; `log` is the file it writes."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    database_url: str
    shops_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        """Make a call on a connection of its own; return its status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def token(self, role: str = "auditor") -> str:
        """Create a token of the query API."""
        with opened(self.database_url) as database, database.begin() as connection:
            now = datetime.now(UTC)
            return create_token(connection, name=role, role=role, shops=None, now=now)[1]

    def wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError):
                if self.call("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())


@contextmanager
def serving(
    folder: Path, database_url: str, shops_file: Path, *, threads: int = 4, **environ: str
) -> Iterator[Service]:
    """Run `ledger serve` with a single worker, and stop it at the end whatever happened."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    environ = {
        **KEYS_ENVIRON,
        "LEDGER_DATABASE_URL": database_url,
        "LEDGER_SHOPS_FILE": str(shops_file),
        "LEDGER_LOG_FORMAT": "json",
        "LEDGER_ALLOWED_SOURCES": "127.0.0.0/8",
        **environ,
    }
    port, log = _free_port(), folder / "service.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*LEDGER, "serve", "--port", str(port), "--workers", "1", "--threads", str(threads)],
            cwd=folder,
            env=clean | {"PYTHONPATH": str(ROOT)} | environ,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    service = Service(process, port, log, database_url, shops_file)
    try:
        service.wait_until_ready()
        yield service
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    if environ["LEDGER_LOG_FORMAT"] == "json":
        check_lines(log.read_text())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
