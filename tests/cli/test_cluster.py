"""`ledger rebuild` and `ledger verify` by the workers of a Dask cluster that are killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.audit.tampering import a_filled_ledger
from tests.builders import KEYS_ENVIRON, MASTER_KEYS
from tests.cli.dask_cluster import Cluster, a_cluster, stopped
from tests.cli.running import shops_file
from tests.cli.test_check import environment, key, run
from tests.conftest import created, opened
from tests.projections.helpers import eventually
from tests.secrecy import SECRETS

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hush-nobody-may-read-this"
STORIES = ("payment-split", "changed-and-cancelled", "subscription-instalment-tried-again")
DASK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}


@pytest.fixture
def environ(
    postgres_server: URL, postgres_template: str, tmp_path: Path
) -> Iterator[dict[str, str]]:
    with created(postgres_server.set(password=PASSWORD), template=postgres_template) as url:
        with opened(url) as database:
            a_filled_ledger(database, *STORIES)
        shops = str(shops_file(tmp_path))
        yield KEYS_ENVIRON | DASK | {"LEDGER_DATABASE_URL": url, "LEDGER_SHOPS_FILE": shops}


def started(environ: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "ledger", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(begun: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    stdout, stderr = begun.communicate(timeout=120)
    return subprocess.CompletedProcess(begun.args, begun.returncode, stdout, stderr)


def test_a_cluster_does_what_one_machine_does_whoever_is_killed(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Its scheduler is shown neither the database's password nor any key."""
    with a_cluster(tmp_path, environ) as cluster:
        lost = scheduler_lost(environ, cluster)
        seen = cluster.wire.captured()
    with a_cluster(tmp_path, environ) as cluster:
        divided = worker_lost(environ, cluster, "rebuild", "orders")
        seen += cluster.wire.captured()
    with a_cluster(tmp_path, environ) as cluster:
        checked = worker_lost(environ, cluster, "verify")
        seen += cluster.wire.captured()
    alone = ended(started(environ, "rebuild", "orders"))

    assert lost.returncode != 0
    assert "rebuild again to go on where it was" in lost.stderr
    assert divided.stdout == alone.stdout
    assert "identical" in divided.stdout
    assert "0 faults" in checked.stderr
    assert b"RebuildUnit" in seen
    assert b"CheckTask" in seen
    for secret in (PASSWORD.encode(), MASTER_KEYS.read_bytes().split(b'"')[3]):
        assert secret not in seen
    assert not SECRETS.search(seen)


def scheduler_lost(environ: dict[str, str], cluster: Cluster) -> "subprocess.CompletedProcess[str]":
    """Rebuild, and kill the scheduler while its workers are at it."""
    with stopped(cluster.workers):
        rebuilding = begun_on(environ, cluster, "rebuild", "orders")
        eventually(lambda: cluster.tasks() > 0)
        cluster.scheduler.kill()
        return ended(rebuilding)


def worker_lost(
    environ: dict[str, str], cluster: Cluster, *command: str
) -> "subprocess.CompletedProcess[str]":
    """Begin something, and kill one of two workers while it is at it."""
    first = cluster.workers[0]
    with stopped([first]):
        begun = begun_on(environ, cluster, *command)
        eventually(lambda: cluster.tasks_of_first_worker() > 0)
        first.kill()
    return ended(begun)


def begun_on(environ: dict[str, str], cluster: Cluster, *command: str) -> "subprocess.Popen[str]":
    return started(environ, *command, "--scheduler", cluster.wire.address, "--workers", "2")


def test_a_ledger_on_sqlite_is_refused_in_words(tmp_path: Path) -> None:
    environ = environment(tmp_path, key())
    assert run(environ, "migrate").exit_code == 0

    for command in ("rebuild", "verify"):
        refused = run(environ, command, "--scheduler", "tcp://127.0.0.1:8786")

        assert refused.exit_code == 2
        assert "--scheduler needs a ledger on PostgreSQL" in refused.stderr
