"""The real service in processes of its own, which can be killed one by one or together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil

from tests.builders import KEYS_ENVIRON
from tests.cli.running import shops_file
from tests.faults.cluster import free_port
from tests.log_lines import check_lines
from tests.projections.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
LEDGER = [sys.executable, "-c", "from ledger.cli import cli; cli()"]
WORKERS = 2
THREADS = 4


class Service:
    """`ledger serve` before one database, at one address however often it is started."""

    def __init__(self, folder: Path, database_url: str, *, workers: int = WORKERS) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self._workers = workers
        self._folder = folder
        self._shops = shops_file(folder)
        self.log = folder / "service.log"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the ledger to its end."""
        return subprocess.run(
            [*LEDGER, *arguments],
            env=self._environ(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def start(self) -> None:
        options = {"--port": self.port, "--workers": self._workers, "--threads": THREADS}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*LEDGER, "serve", *(str(word) for pair in options.items() for word in pair)],
                env=self._environ(),
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        eventually(self._is_ready, seconds=60)

    def stop(self) -> int:
        """Stop it as an operator does. Shape: its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def kill(self) -> None:
        """End every process of it at once."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def workers(self) -> list[int]:
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children()
            return [
                child.pid for child in children if "resource_tracker" not in str(child.cmdline())
            ]
        return []

    def _environ(self) -> dict[str, str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")
        }
        return clean | {
            "PYTHONPATH": str(ROOT),
            **KEYS_ENVIRON,
            "LEDGER_DATABASE_URL": self.database_url,
            "LEDGER_SHOPS_FILE": str(self._shops),
            "LEDGER_ALLOWED_SOURCES": "127.0.0.0/8",
            "LEDGER_LOG_LEVEL": "warning",
            "LEDGER_LOG_FORMAT": "json",
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()[-2000:]
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, database_url: str, *, workers: int = WORKERS) -> Iterator[Service]:
    """A running service, gone in the end however it fared."""
    service = Service(folder, database_url, workers=workers)
    migrated = service.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    service.start()
    try:
        yield service
    finally:
        service.kill()
    check_lines(service.log.read_text())
