"""The restore drill of the documents: a backup taken under load, restored and verified."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.builders import a_ledger
from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, end, running
from tests.faults.crash_run import verified
from tests.faults.outside import Answered, Verdict
from tests.faults.platform import Platform
from tests.faults.service import Service, serving
from tests.projections.helpers import eventually

CALLS = 60
"""Acknowledged before the backup begins, and again before the load ends."""


def backed_up(service: Service, take: Callable[[], None]) -> list[Answered]:
    """Take a backup in the middle of the load. Shape: what was acknowledged before it began."""
    platform = Platform(service.url, seed=7, connections=4)
    platform.start()
    eventually(lambda: platform.acknowledged > CALLS)
    before = platform.answered()
    take()
    eventually(lambda: platform.acknowledged > len(before) + CALLS)
    platform.finish()
    return before


def assert_restored(folder: Path, url: str, answered: list[Answered]) -> None:
    """Nothing from before the backup is missing, all is consistent, and it goes on from there."""
    folder.mkdir()
    restored = Service(folder, url)
    checked = restored.run("verify")
    assert checked.returncode == 0, checked.stdout
    with opened(url) as database:
        known = a_ledger(database).events.newest_position() or 0
    with serving(folder, url) as service:
        platform = Platform(service.url, seed=8, connections=2)
        platform.start()
        eventually(lambda: platform.acknowledged > CALLS)
        record = platform.finish()
        record.answered += answered
        assert verified(service, record) == Verdict()
    with opened(url) as database:
        assert (a_ledger(database).events.newest_position() or 0) > known > 0


def test_a_copy_of_the_sqlite_file_made_under_load_is_a_ledger(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.sqlite", tmp_path / "backup.sqlite"

    def take() -> None:
        """What `.backup` of the sqlite3 program does, once the key of the log is copied."""
        for ending in (".log-key", ".log-key.last"):
            if path.with_suffix(ending).exists():  # nothing is signed in the first minute
                shutil.copy2(path.with_suffix(ending), copy.with_suffix(ending))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    with serving(tmp_path, f"sqlite:///{path}") as service:
        before = backed_up(service, take)

    assert_restored(tmp_path / "restored", f"sqlite:///{copy}", before)


def test_a_base_backup_made_under_load_is_a_ledger(tmp_path: Path) -> None:
    with a_folder() as place:
        copy = Cluster(place, "copy")
        with (
            running(Cluster(place, "main")) as main,
            serving(tmp_path, main.url()) as service,
        ):
            before = backed_up(service, lambda: copy.take_from(main))
        try:
            copy.start()
            assert_restored(tmp_path / "restored", copy.url(), before)
        finally:
            end(copy)
