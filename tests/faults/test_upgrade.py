"""An upgrade under load that neither the platform nor the load balancer notices, and the way back.

The old version is the newest release, this code before the first one; the new one has a migration
that expands and a changed read model.
"""

import json
import signal
import tarfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from subprocess import CompletedProcess, Popen, run
from typing import Any

import pytest
from packaging.version import Version

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

revision = "NEXT"
down_revision = "NEWEST"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("remark", sa.Text()))
    op.execute("INSERT INTO schema_revisions (revision, oldest_code) VALUES ('NEXT', 'OLDEST')")
'''

Answer = tuple[int, dict[str, Any]]


def test_old_and_new_code_serve_side_by_side_under_load(postgres_url: str, tmp_path: Path) -> None:
    release = newest_release()
    old_code = ROOT if release is None else released_code(release, tmp_path / release)
    old = environment(tmp_path, postgres_url, old_code)
    new = environment(tmp_path, postgres_url, next_version(tmp_path / "next", old_code))
    calls = SteadyCalls(per_second=50, seed=7)

    with serving(old) as (old_port, old_service), watched(old_port) as seen:
        eventually(lambda: get(old_port, "/readyz")[0] == 200)
        calls.start(url(old_port))
        upgraded = run_ledger(new, "migrate")
        with serving(new) as (new_port, _):
            eventually(lambda: get(new_port, "/readyz")[0] == 200)
            assert people_at(new_port) == (503, "not-built")
            calls.add(url(new_port))  # what is called is stored at once
            built = run_ledger(new, "rebuild", "--workers", "1")
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
    assert f"applied {next_revision(ROOT)}" in upgraded.stdout
    assert steps(upgraded.stderr) == ["ledger rebuild", "ledger projections prune"]
    assert steps(built.stderr) == ["ledger projections prune"], built.stderr


def test_the_old_version_is_the_newest_release(tmp_path: Path) -> None:
    release = newest_release()
    if release is None:
        pytest.skip("no tag v* in this history: an upgrade begins at this code, not at a release")

    code = released_code(release, tmp_path)

    version = tomllib.loads((code / "pyproject.toml").read_text())["project"]["version"]
    assert f"v{version}" == release


def newest_release() -> str | None:
    """Return the tag of the newest release; None before the first one, and without its history."""
    tags = git("tag", "--list", "v[0-9]*").stdout.split()
    return max(tags, key=Version, default=None)


def released_code(tag: str, folder: Path) -> Path:
    """Lay the code of a release into a folder; its libraries are those of today."""
    folder.mkdir(exist_ok=True)
    parts = ("ledger", "web", "alembic", "pyproject.toml")
    packed = git("archive", "--format=tar", f"--output={folder}.tar", tag, *parts)
    assert packed.returncode == 0, packed.stderr
    with tarfile.open(f"{folder}.tar") as archive:
        archive.extractall(folder, filter="data")
    return folder


def git(*words: str) -> "CompletedProcess[str]":
    return run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)


def next_version(code: Path, old_code: Path) -> Path:
    """Copy this code and add a migration, beside which the old code may go on serving."""
    copy_with_network_column(code)
    revision = next_revision(ROOT)
    words = {"NEXT": revision, "NEWEST": revisions(ROOT)[-1], "OLDEST": revisions(old_code)[-1]}
    text = MIGRATION
    for word, value in words.items():
        text = text.replace(word, value)
    (code / "alembic" / "versions" / f"{revision}_remark.py").write_text(text)
    return code


def revisions(code: Path) -> list[str]:
    return sorted(path.name.split("_")[0] for path in (code / "alembic/versions").glob("*.py"))


def next_revision(code: Path) -> str:
    return f"{int(revisions(code)[-1]) + 1:04}"


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
