"""What is divided among workers names what is to be done, and holds nothing secret."""

import pickle
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.check_names import CHECKS, STREAMS
from ledger.audit.event_streams import check_streams
from ledger.audit.run_checks import Audit, CheckTask
from ledger.audit.view_groups import check_groups
from ledger.audit.view_parts import check_rows
from ledger.errors import NotFoundError, SettingsError
from ledger.projections.engine.rebuild_tasks import RebuildTasks, RebuildUnit
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from ledger.storage.divided_work import Workers, WorkPlace, do
from tests.builders import MASTER_KEYS, a_ledger
from tests.conftest import opened
from tests.projections.helpers import a_rebuild, live
from tests.sealing.archiving import archive_all

PASSWORD = "hush-nobody-may-read-this"


class Recording(ThreadPoolExecutor):
    """Threads, and whatever was given to them to do."""

    units: list[Any]

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.units = []

    def submit(self, do: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        self.units.append(arguments[0])
        return super().submit(do, *arguments)


def test_no_unit_of_a_rebuild_or_an_audit_holds_a_secret(
    ledger_on_postgresql: Ledger, tmp_path: Path
) -> None:
    url = with_password(ledger_on_postgresql.database)
    pool = Recording(2)
    archive_all(ledger_on_postgresql.database, tmp_path)
    with opened(url) as database:
        ledger = a_ledger(database, ledger_on_postgresql.shops)
        for name in PROJECTIONS:
            a_rebuild(ledger, name, start_workers=lambda _: nullcontext(pool)).run()

        assert list(Audit(ledger, workers=2).faults(pool)) == []

    pool.shutdown()
    assert {unit.check for unit in pool.units if hasattr(unit, "check")} == {*CHECKS}
    assert len([unit for unit in pool.units if hasattr(unit, "generation")]) > len(PROJECTIONS)
    functions = {unit.function for unit in pool.units if hasattr(unit, "function")}
    assert {check_rows, check_groups} <= functions
    assert RebuildTasks.compare_rows in {getattr(unit, "task", None) for unit in pool.units}
    for unit in pool.units:
        assert len(pickle.dumps(unit)) < 4_000
        for secret in secrets_of(ledger):
            assert secret not in repr(unit)
            assert secret.encode() not in pickle.dumps(unit)


def test_a_worker_at_another_ledger_does_nothing(
    ledger_on_sqlite: Ledger, ledger_on_postgresql: Ledger
) -> None:
    url = ledger_on_postgresql.database.engine.url.render_as_string(hide_password=False)
    elsewhere = WorkPlace(url, ledger_on_postgresql.shops, MASTER_KEYS)
    dropping = RebuildUnit(live(ledger_on_sqlite, "orders"), RebuildTasks.drop_staging)
    checking = CheckTask(STREAMS, 1, check_streams, {"after": 0, "until": 1}, (1, "another"))

    with pytest.raises(NotFoundError, match="LEDGER_DATABASE_URL leads elsewhere"):
        dropping(elsewhere)
    with pytest.raises(SettingsError, match="another ledger"):
        checking(elsewhere)


def test_a_worker_that_knows_no_database_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEDGER_DATABASE_URL", raising=False)

    with pytest.raises(SettingsError, match="LEDGER_DATABASE_URL is not set"):
        do(lambda workplace: workplace, None)


def with_password(database: Database) -> str:
    return database.engine.url.set(password=PASSWORD).render_as_string(hide_password=False)


def test_at_most_so_many_units_are_done_at_once_and_results_come_in_order() -> None:
    lock, running, most = Lock(), [0], [0]

    def unit(number: int) -> Callable[[WorkPlace], int]:
        def work(_: WorkPlace) -> int:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            sleep(0.002 * (number % 3))
            with lock:
                running[0] -= 1
            return number

        return work

    with ThreadPoolExecutor(8) as threads:
        workers = Workers(threads, 3, WorkPlace("nowhere"))

        assert list(workers.results(map(unit, range(20)))) == [*range(20)]

    assert most[0] == 3


def secrets_of(ledger: Ledger) -> Iterable[str]:
    yield PASSWORD
    yield MASTER_KEYS.read_text().split('"')[3]
    for shop in ledger.shops.shop_by_id.values():
        yield from (key.secret for key in shop.keys)
