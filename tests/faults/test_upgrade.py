"""An upgrade under load that neither the platform nor the load balancer notices, and the way back.

The old version is this code; the new one has a migration that expands and a changed read model.
"""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.faults.steady import SteadyCalls
from tests.projections.helpers import eventually
from tests.projections.two_versions import (
    ROOT,
    copy_with_network_column,
    environment,
    run_ledger,
    serving,
)

MIGRATION = '''"""A column that old code does not know."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("remark", sa.Text()))
    op.execute("INSERT INTO schema_revisions (revision, oldest_code) VALUES ('0002', '0001')")
'''

Answer = tuple[int, dict[str, Any]]


def test_old_and_new_code_serve_side_by_side_under_load(postgres_url: str, tmp_path: Path) -> None:
    old = environment(tmp_path, postgres_url, ROOT)
    new = environment(tmp_path, postgres_url, next_version(tmp_path / "next"))
    calls = SteadyCalls(per_second=50, seed=7)

    with serving(old) as (old_port, old_service), watched(old_port) as seen:
        eventually(lambda: get(old_port, "/readyz")[0] == 200)
        calls.start(url(old_port))
        upgraded = run_ledger(new, "migrate")
        with serving(new) as (new_port, _):
            eventually(lambda: get(new_port, "/readyz")[0] == 200)
            assert people_at(new_port) == (503, "not-built")
            calls.add(url(new_port))  # what is called is stored at once
            built = run_ledger(new, "rebuild", "transactions", "--workers", "1")
            eventually(lambda: people_at(new_port) == (200, "ok"))
            assert set(seen) == {200}

            seen.clear()
            calls.remove_first()
            stop(old_service)
            with serving(old) as (again_port, _):  # the way back
                eventually(lambda: get(again_port, "/readyz")[0] == 200)
                calls.add(url(again_port))
                back = get(again_port, "/readyz")[1]["checks"]["migrations"]
                assert (back, people_at(again_port)) == ("newer", (200, "ok"))
                eventually(lambda: calls.statuses.total() > 200)
                calls.finish()
            verified = run_ledger(new, "verify")

    assert set(calls.statuses) == {200}, calls.statuses
    assert (verified.returncode, verified.stdout) == (0, ""), verified.stdout
    assert "applied 0002" in upgraded.stdout
    assert steps(upgraded.stderr) == ["ledger rebuild", "ledger projections prune"]
    assert steps(built.stderr) == ["ledger projections prune"], built.stderr


def next_version(code: Path) -> Path:
    copy_with_network_column(code)
    (code / "alembic" / "versions" / "0002_remark.py").write_text(MIGRATION)
    return code


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def get(port: int, path: str) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def people_at(port: int) -> tuple[int, str]:
    status, body = get(port, "/readyz/pages")
    return status, body["checks"]["views"]


def steps(text: str) -> list[str]:
    """Return the commands that are told as what comes next."""
    lines = text.partition("next, in this order:")[2].splitlines()
    return [line.split("`")[1] for line in lines if "`" in line]


def stop(service: "Popen[bytes]") -> None:
    service.send_signal(signal.SIGTERM)
    assert service.wait(30) == 0


@contextmanager
def watched(port: int) -> Iterator[list[int]]:
    """Ask again and again whether a service is ready, once it has been. Shape: the statuses."""
    statuses: list[int] = []
    is_over = threading.Event()

    def ask() -> None:
        eventually(lambda: get(port, "/readyz")[0] == 200)
        while not is_over.wait(0.3):
            try:
                statuses.append(get(port, "/readyz")[0])
            except OSError:
                statuses.append(0)

    watcher = threading.Thread(target=ask, daemon=True)
    watcher.start()
    try:
        yield statuses
    finally:
        is_over.set()
        watcher.join()
