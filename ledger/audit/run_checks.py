"""Divides an audit into tasks that any process can do, and collects what they find."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import KW_ONLY, dataclass, field, replace
from inspect import signature
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
from ledger.errors import ArchiveError, SettingsError, UnavailableError
from ledger.ipn.shops_and_keys import Shops
from ledger.operations.worker_processes import worker_processes
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.log import Log, newest_log
from ledger.proof.log_key import open_signer
from ledger.proof.note import Checkpoint
from ledger.sealing.sealing import Sealing
from ledger.storage.archives import all_archives
from ledger.storage.database import Database
from ledger.storage.divided_work import Workers, WorkPlace

Own = dict[str, Database | Sealing | Shops]
"""What whoever does a check has of its own, by the name of the argument."""


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check over a part of the ledger, of about `size` rows, for any process.

    Shape: `arguments` say which part; database, keys and shops are those of whoever does it.
    `last_event` is position and origin of the last event, by which the ledger is recognised.
    """

    check: str
    size: int
    function: Callable[..., CheckResult]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    last_event: tuple[int, str] | None = None

    def __call__(self, workplace: WorkPlace) -> CheckResult:
        database = Database(workplace.database_url, pool_size=2)
        try:
            self._check_ledger(database)
            sealing = Sealing(database, workplace.masters_file, workplace.variables)
            return self.run({"database": database, "sealing": sealing, "shops": workplace.shops})
        finally:
            database.dispose()

    def _check_ledger(self, database: Database) -> None:
        """Refuse to check another ledger. Errors: SettingsError."""
        if self.last_event is None:
            return
        query = text("SELECT origin_id FROM events WHERE position = :position")
        with database.connect() as connection:
            origin = connection.scalar(query, {"position": self.last_event[0]})
        if origin != self.last_event[1]:
            raise SettingsError(
                "the database of a worker holds another ledger, or is behind: where does its"
                " LEDGER_DATABASE_URL lead?"
            )

    def run(self, own: Own) -> CheckResult:
        """Do it with what the check takes of these, as far as archives can be read."""
        wanted = signature(self.function).parameters.keys() & own.keys()
        try:
            return self.function(**{name: own[name] for name in wanted}, **self.arguments)
        except ArchiveError as error:
            ended = CheckResult()
            detail = f"{error}; {self.size} rows were not compared"
            ended.add(None, self.check, "archive-unreadable", detail)
            return ended


@dataclass
class Audit:
    """Compares signatures, streams, append order and read models; changes nothing.

    Shape: `remarks`, `checked` and `fault_count_by_check` are complete once `faults()` has ended.
    Deliveries and events that arrive meanwhile are left for the next audit. `task_sizes` are how
    many deliveries and how many positions one task is about; `kept` are checkpoints that somebody
    has kept elsewhere. Workers who are `is_elsewhere` find database and keys in their own
    environment.
    """

    ledger: Ledger
    _: KW_ONLY
    first: int = 1
    only: tuple[str, ...] = CHECKS
    kept: Sequence[Checkpoint] = ()
    workers: int = 1
    is_elsewhere: bool = False
    progress: Callable[[str, int, int], None] | None = None
    task_sizes: tuple[int, int] = (2_000, 10_000)
    remarks: Counter[str] = field(default_factory=Counter, init=False)
    checked: Counter[str] = field(default_factory=Counter, init=False)
    fault_count_by_check: Counter[str] = field(default_factory=Counter, init=False)

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Yield every fault, in the order of the checks and within each in that of the rows."""
        tasks = list(self._tasks())
        done, total = 0, sum(task.size for task in tasks)
        for task, result in zip(tasks, self._results(tasks, executor), strict=True):
            self.remarks += result.remarks
            self.checked[task.check] += result.checked
            self.fault_count_by_check[task.check] += len(result.faults)
            done += task.size
            if self.progress is not None:
                self.progress(task.check, done, total)
            yield from result.faults

    def _results(self, tasks: list[CheckTask], executor: Executor | None) -> Iterator[CheckResult]:
        ledger = self.ledger
        if executor is None and self.workers == 1:
            own: Own = {"database": ledger.database, "sealing": ledger.sealing}
            yield from (task.run(own | {"shops": ledger.shops}) for task in tasks)
            return
        keys = ledger.sealing.keys
        url = ledger.database.engine.url.render_as_string(hide_password=False)
        own_place = WorkPlace(url, ledger.shops, keys.file, keys.variables)
        workplace = None if self.is_elsewhere else own_place
        processes: AbstractContextManager[Executor] = (
            nullcontext(executor) if executor else worker_processes(self.workers, loaded=[__name__])
        )
        last_event = self._last_event()
        units = [replace(task, last_event=last_event) for task in tasks]
        try:
            with processes as pool:
                yield from Workers(pool, self.workers, workplace).results(units)
        except BrokenExecutor as error:
            raise UnavailableError(
                "the workers were ended from outside; start the command again"
            ) from error

    def _last_event(self) -> tuple[int, str] | None:
        query = text("SELECT position, origin_id FROM events ORDER BY position DESC LIMIT 1")
        with self.ledger.database.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.position, row.origin_id)

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
                span = {"after": after, "until": until}
                yield CheckTask(STREAMS, until - after, check_streams, span)
        if ORDER in self.only:
            yield CheckTask(ORDER, 1, check_append_order, {"first": self.first})
        if LOG in self.only:
            yield from self._log_tasks()
        if VIEWS in self.only:
            for name in PROJECTIONS:
                yield CheckTask(VIEWS, newest, check_read_model, {"name": name})
        if REPORTS in self.only:
            yield CheckTask(REPORTS, 1, check_reports)
        if ARCHIVES in self.only:
            with self.ledger.database.connect() as connection:
                archives = all_archives(connection)
            for archive in archives:
                yield CheckTask(ARCHIVES, 1, check_archive, {"archive": archive})

    def _log_tasks(self) -> Iterator[CheckTask]:
        with self.ledger.database.connect() as connection:
            number = newest_log(connection)
            size = 0 if number is None else Log(connection, number).size()
        signer = open_signer(self.ledger.settings, self.ledger.database)
        kept = list(self.kept)
        if signer is not None and (last := signer.last()) is not None:
            kept.append(last)
        public_key = None if signer is None else signer.verifier
        tree = {"log": number or 0, "verifier": public_key, "kept": kept}
        yield CheckTask(LOG, 1, check_tree, tree)
        for first in range(0, size, self.task_sizes[0]):
            end = min(first + self.task_sizes[0], size)
            entries = {"log": number or 0, "first": first, "end": end}
            yield CheckTask(LOG, end - first, check_entries, entries)

    def _delivery_tasks(self, size: int) -> Iterator[CheckTask]:
        """Cut the inbox into ranges, walking over its ids alone."""
        last = self._scalar("SELECT max(id) FROM notifications") or ""
        after = self._id_before_first(last)
        cut = (
            "SELECT id FROM notifications WHERE id > :after AND id <= :last"
            " ORDER BY id LIMIT 1 OFFSET :offset"
        )
        while after < last:
            until = self._scalar(cut, after=after, last=last, offset=size - 1) or last
            span = {"after_id": after, "until_id": until, "first": self.first}
            yield CheckTask(SIGNATURES, size, check_deliveries, span)
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
