"""Divides an audit into tasks that any process can do, and collects what they find."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass, field, replace
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
from ledger.audit.check_task import CheckTask, Own
from ledger.audit.event_streams import check_streams
from ledger.audit.fault import CheckResult, Fault
from ledger.audit.log import check_entries, check_tree
from ledger.audit.read_models import ReadModelCheck
from ledger.audit.reports import check_reports
from ledger.audit.verified_deliveries import check_deliveries
from ledger.audit.view_parts import ViewResult
from ledger.errors import UnavailableError
from ledger.operations.worker_processes import worker_processes
from ledger.proof.log import Log, newest_log
from ledger.proof.log_key import open_signer
from ledger.proof.note import Checkpoint
from ledger.storage.archives import all_archives
from ledger.storage.divided_work import Workers, WorkPlace

DoTasks = Callable[[list[CheckTask]], Iterator[CheckResult]]


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
    _size_done: int = field(default=0, init=False)
    _size_of_all: int = field(default=0, init=False)

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Yield every fault, in the order of the checks and within each in that of the rows."""
        views = None
        if VIEWS in self.only:
            views = ReadModelCheck(self.ledger.database, self.task_sizes[1])
        with self._able(executor) as do:
            parts = [*self._first_tasks(), *(views.part_tasks() if views else ())]
            yield from self._done(do, parts, views)
            if views is not None:
                yield from self._done(do, [*views.group_tasks()], views)
                for result in views.results():
                    yield from self._noted(VIEWS, result)
            yield from self._done(do, [*self._last_tasks()], None)

    def _done(
        self, do: DoTasks, tasks: list[CheckTask], views: ReadModelCheck | None
    ) -> Iterator[Fault]:
        """Have tasks done; what is found of read models is collected until all of it is known."""
        self._size_of_all += sum(task.size for task in tasks)
        for task, result in zip(tasks, do(tasks), strict=True):
            self._size_done += task.size
            if self.progress is not None:
                self.progress(task.check, self._size_done, self._size_of_all)
            if views is not None and isinstance(result, ViewResult):
                views.add(result)
            else:
                yield from self._noted(task.check, result)

    def _noted(self, check: str, result: CheckResult) -> Iterator[Fault]:
        self.remarks += result.remarks
        self.checked[check] += result.checked
        self.fault_count_by_check[check] += len(result.faults)
        yield from result.faults

    @contextmanager
    def _able(self, executor: Executor | None) -> Iterator[DoTasks]:
        """Yield what has tasks done, here or by workers."""
        ledger = self.ledger
        if executor is None and self.workers == 1:
            own: Own = {"database": ledger.database, "sealing": ledger.sealing}
            own |= {"shops": ledger.shops}
            yield lambda tasks: (task.run(own) for task in tasks)
            return
        keys = ledger.sealing.keys
        url = ledger.database.engine.url.render_as_string(hide_password=False)
        own_place = WorkPlace(url, ledger.shops, keys.file, keys.variables)
        workplace = None if self.is_elsewhere else own_place
        processes: AbstractContextManager[Executor] = (
            nullcontext(executor) if executor else worker_processes(self.workers, loaded=[__name__])
        )
        last_event = self._last_event()
        try:
            with processes as pool:
                workers = Workers(pool, self.workers, workplace)
                yield lambda tasks: workers.results(
                    replace(task, last_event=last_event) for task in tasks
                )
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

    def _first_tasks(self) -> Iterator[CheckTask]:
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

    def _last_tasks(self) -> Iterator[CheckTask]:
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
