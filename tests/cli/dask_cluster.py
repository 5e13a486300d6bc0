"""A Dask cluster of processes on this machine, and everything that its scheduler is told."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.projections.helpers import eventually

HOST = "127.0.0.1"
TASK = b"compute-task"


class Wire:
    """Passes on what comes to a port, and keeps a copy of it.

    Shape: `streams` has what went to and fro on each connection, in the order of the connections.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server((HOST, 0))
        self.port = self._listening.getsockname()[1]
        self.streams: list[bytearray] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        return f"tcp://{HOST}:{self.port}"

    def captured(self) -> bytes:
        return b"".join(map(bytes, self.streams))

    def close(self) -> None:
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                near, _ = self._listening.accept()
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection((HOST, self._port))
        except OSError:  # the scheduler is gone
            near.close()
            return
        for source, sink in ((near, far), (far, near)):
            self.streams.append(bytearray())
            passing = (source, sink, self.streams[-1])
            threading.Thread(target=_pass_on, args=passing, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, copy: bytearray) -> None:
    with suppress(OSError):
        while chunk := source.recv(1 << 16):
            copy += chunk
            sink.sendall(chunk)
    for side in (source, sink):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()


class Cluster:
    """A scheduler behind a wire, and workers that know the ledger from their own environment."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self.scheduler, self.wire = self._scheduler()
        self.workers = [self._worker()]
        eventually(lambda: b"register-worker" in self.wire.captured())
        self._of_first_worker = self.wire.streams[:]
        self.workers.append(self._worker())
        eventually(lambda: self.wire.captured().count(b"register-worker") == 2)

    def tasks_of_first_worker(self) -> int:
        """Return how many tasks the first worker was given."""
        return sum(stream.count(TASK) for stream in self._of_first_worker)

    def tasks(self) -> int:
        """Return how many tasks all workers were given."""
        return self.wire.captured().count(TASK)

    def _scheduler(self) -> "tuple[subprocess.Popen[bytes], Wire]":
        with socket.create_server((HOST, 0)) as free:
            port = free.getsockname()[1]
        scheduler = self._start("scheduler", "--host", HOST, "--port", str(port), environ={})
        eventually(lambda: _is_open(port))
        return scheduler, Wire(port)

    def _worker(self) -> "subprocess.Popen[bytes]":
        alone = ("--no-nanny", "--nthreads", "1", "--host", HOST)
        return self._start("worker", self.wire.address, *alone, environ=self._environ)

    def _start(self, *arguments: str, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
            cwd=self._folder,
            env={**_without_ledger(), **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self.wire.close()


@contextmanager
def a_cluster(folder: Path, environ: Mapping[str, str]) -> Iterator[Cluster]:
    cluster = Cluster(folder, environ)
    try:
        yield cluster
    finally:
        cluster.close()


@contextmanager
def stopped(processes: "list[subprocess.Popen[bytes]]") -> Iterator[None]:
    """Let processes stand still, so that what they are given stays undone."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    yield
    for process in processes:
        process.send_signal(signal.SIGCONT)


def _without_ledger() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}


def _is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
