"""Divides an audit into tasks that any process can do, and collects what they find."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.answers import check_answers
from ledger.audit.append_order import check_append_order
from ledger.audit.archives import check_archive
from ledger.audit.check_names import (
    ARCHIVES,
    CHECKS,
    LOG,
    ORDER,
    REPORTS,
    SIGNATURES,
    STREAMS,
    VIEWS,
)
from ledger.audit.event_streams import check_streams
from ledger.audit.fault import CheckResult, Fault
from ledger.audit.log import check_entries, check_tree
from ledger.audit.read_models import check_read_model
from ledger.audit.reports import check_reports
from ledger.audit.verified_deliveries import check_deliveries
from ledger.errors import ArchiveError
from ledger.operations.worker_processes import worker_processes
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.log import Log, newest_log
from ledger.proof.log_key import open_signer
from ledger.proof.note import Checkpoint
from ledger.sealing.sealing import Sealing
from ledger.storage.archives import all_archives
from ledger.storage.database import Database


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check over a part of the ledger, of about `size` rows, for any process."""

    check: str
    size: int
    run: Callable[[Database, Sealing], CheckResult]

    def result(self, database: Database, sealing: Sealing) -> CheckResult:
        """Check, as far as what was put elsewhere can be read."""
        try:
            return self.run(database, sealing)
        except ArchiveError as error:
            ended = CheckResult()
            detail = f"{error}; {self.size} rows were not compared"
            ended.add(None, self.check, "archive-unreadable", detail)
            return ended


def _run_elsewhere(
    database_url: str, masters_file: Path | None, environ: Mapping[str, str], task: CheckTask
) -> CheckResult:
    database = Database(database_url, pool_size=2)
    try:
        return task.result(database, Sealing(database, masters_file, environ))
    finally:
        database.dispose()


def _check_streams(database: Database, _: Sealing, *, after: int, until: int) -> CheckResult:
    return check_streams(database, after, until)


def _check_append_order(database: Database, _: Sealing, *, first: int) -> CheckResult:
    return check_append_order(database, first)


def _check_read_model(database: Database, _: Sealing, *, name: str) -> CheckResult:
    return check_read_model(database, name)


@dataclass
class Audit:
    """Compares signatures, streams, append order and read models; changes nothing.

    Shape: `remarks` and `checked` are complete once `faults()` has ended. Deliveries and events
    that arrive meanwhile are left for the next audit. `task_sizes` are how many deliveries and
    how many positions one task is about; `kept` are checkpoints that somebody has kept elsewhere.
    """

    ledger: Ledger
    _: KW_ONLY
    first: int = 1
    only: tuple[str, ...] = CHECKS
    kept: Sequence[Checkpoint] = ()
    workers: int = 1
    progress: Callable[[str, int, int], None] | None = None
    task_sizes: tuple[int, int] = (2_000, 10_000)
    remarks: Counter[str] = field(default_factory=Counter, init=False)
    checked: Counter[str] = field(default_factory=Counter, init=False)

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Yield every fault, in the order of the checks and within each in that of the rows."""
        tasks = list(self._tasks())
        done, total = 0, sum(task.size for task in tasks)
        for task, result in zip(tasks, self._results(tasks, executor), strict=True):
            self.remarks += result.remarks
            self.checked[task.check] += result.checked
            done += task.size
            if self.progress is not None:
                self.progress(task.check, done, total)
            yield from result.faults

    def _results(self, tasks: list[CheckTask], executor: Executor | None) -> Iterator[CheckResult]:
        database = self.ledger.database
        if executor is None and self.workers == 1:
            yield from (task.result(database, self.ledger.sealing) for task in tasks)
            return
        keys = self.ledger.sealing.keys
        url = database.engine.url.render_as_string(hide_password=False)
        processes: AbstractContextManager[Executor] = (
            nullcontext(executor) if executor else worker_processes(self.workers, loaded=[__name__])
        )
        with processes as pool:
            run = partial(_run_elsewhere, url, keys.file, keys.variables)
            yield from pool.map(run, tasks)

    # -- the tasks ----------------------------------------------------------------------------

    def _tasks(self) -> Iterator[CheckTask]:
        newest = int(self._scalar("SELECT max(position) FROM events") or 0)
        if SIGNATURES in self.only:
            yield from self._delivery_tasks(self.task_sizes[0])
            yield CheckTask(SIGNATURES, 1, check_answers)
        if STREAMS in self.only:
            size = self.task_sizes[1]
            for after in range(self.first - 1, newest, size):
                until = min(after + size, newest)
                check = partial(_check_streams, after=after, until=until)
                yield CheckTask(STREAMS, until - after, check)
        if ORDER in self.only:
            yield CheckTask(ORDER, 1, partial(_check_append_order, first=self.first))
        if LOG in self.only:
            yield from self._log_tasks()
        if VIEWS in self.only:
            for name in PROJECTIONS:
                yield CheckTask(VIEWS, newest, partial(_check_read_model, name=name))
        if REPORTS in self.only:
            yield CheckTask(REPORTS, 1, check_reports)
        if ARCHIVES in self.only:
            with self.ledger.database.connect() as connection:
                archives = all_archives(connection)
            for archive in archives:
                yield CheckTask(ARCHIVES, 1, partial(check_archive, archive=archive))

    def _log_tasks(self) -> Iterator[CheckTask]:
        with self.ledger.database.connect() as connection:
            number = newest_log(connection)
            size = 0 if number is None else Log(connection, number).size()
        signer = open_signer(self.ledger.settings, self.ledger.database)
        kept = list(self.kept)
        if signer is not None and (last := signer.last()) is not None:
            kept.append(last)
        public_key = None if signer is None else signer.verifier
        yield CheckTask(
            LOG, 1, partial(check_tree, log=number or 0, verifier=public_key, kept=kept)
        )
        for first in range(0, size, self.task_sizes[0]):
            end = min(first + self.task_sizes[0], size)
            check = partial(check_entries, log=number or 0, first=first, end=end)
            yield CheckTask(LOG, end - first, check)

    def _delivery_tasks(self, size: int) -> Iterator[CheckTask]:
        """Cut the inbox into ranges, walking over its ids alone."""
        last = self._scalar("SELECT max(id) FROM notifications") or ""
        after = self._id_before_first(last)
        cut = (
            "SELECT id FROM notifications WHERE id > :after AND id <= :last"
            " ORDER BY id LIMIT 1 OFFSET :offset"
        )
        check = partial(check_deliveries, shops=self.ledger.shops, first=self.first)
        while after < last:
            until = self._scalar(cut, after=after, last=last, offset=size - 1) or last
            yield CheckTask(SIGNATURES, size, partial(check, after_id=after, until_id=until))
            after = until

    def _id_before_first(self, last: str) -> str:
        """Return the id before the oldest delivery of any event from `first` on."""
        if self.first == 1:
            return ""
        query = (
            "SELECT min(coalesce(d.notification_id, e.origin_id)) FROM events e"
            " LEFT JOIN decisions d ON d.id = e.origin_id WHERE e.position >= :first"
        )
        oldest = self._scalar(query, first=self.first)
        if oldest is None:
            return last
        before = "SELECT max(id) FROM notifications WHERE id < :id"
        return self._scalar(before, id=oldest) or ""

    def _scalar(self, sql: str, **bound: object) -> Any:
        with self.ledger.database.connect() as connection:
            return connection.scalar(text(sql), bound)
