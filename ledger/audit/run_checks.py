"""Divides an audit into tasks that any process can do, and gathers what they find."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.append_order import WholeLog, check_append_order
from ledger.audit.event_streams import PositionRange, check_streams
from ledger.audit.fault import CheckResult, Fault
from ledger.audit.keyring import Keyring
from ledger.audit.read_models import ReadModel, check_read_model
from ledger.audit.verified_deliveries import DeliveryRange, check_deliveries
from ledger.ipn.shops_and_keys import Shops
from ledger.operations.worker_processes import worker_processes
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database

SIGNATURES, STREAMS, ORDER, VIEWS = "signatures", "streams", "order", "views"
CHECKS = (SIGNATURES, STREAMS, ORDER, VIEWS)

DELIVERIES_PER_TASK = 2_000
POSITIONS_PER_TASK = 10_000
WAITING_PER_WORKER = 3
"""Tasks handed out ahead: enough that nobody waits, few enough that memory stays the same."""

Scope = DeliveryRange | PositionRange | WholeLog | ReadModel
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check over a part of the ledger, for any process that reaches the database.

    Shape: `size` is how many rows it is about, for the progress shown.
    """

    database_url: str = field(repr=False)
    shops: Shops = field(repr=False)
    check: str
    scope: Scope
    size: int


def run_task(task: CheckTask) -> CheckResult:
    """Do one task in this process, with a connection of its own."""
    database = Database(task.database_url, pool_size=2)
    try:
        return _run(task, database)
    finally:
        database.dispose()


def _run(task: CheckTask, database: Database) -> CheckResult:
    scope = task.scope
    if isinstance(scope, ReadModel):
        return check_read_model(database, scope)
    with database.connect() as connection:
        if isinstance(scope, DeliveryRange):
            return check_deliveries(connection, Keyring(task.shops), scope)
        if isinstance(scope, PositionRange):
            return check_streams(connection, scope)
        return check_append_order(connection, scope)


@dataclass
class Audit:
    """Compares signatures, streams, append order and read models; changes nothing.

    Shape: `remarks` and `checked` are complete once `faults()` has ended. Deliveries and events
    that arrive meanwhile are left for the next audit. `task_sizes` are how many deliveries and
    how many positions one task is about.
    """

    ledger: Ledger
    _: KW_ONLY
    first: int = 1
    only: tuple[str, ...] = CHECKS
    workers: int = 1
    progress: Progress | None = None
    task_sizes: tuple[int, int] = (DELIVERIES_PER_TASK, POSITIONS_PER_TASK)
    remarks: Counter[str] = field(default_factory=Counter, init=False)
    checked: Counter[str] = field(default_factory=Counter, init=False)

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Yield every fault, in the order of the checks and within each in that of the rows."""
        tasks = list(self._tasks())
        done, total = 0, sum(task.size for task in tasks)
        for task, result in self._results(tasks, executor):
            self.remarks += result.remarks
            self.checked[task.check] += result.checked
            done += task.size
            if self.progress is not None:
                self.progress(task.check, done, total)
            yield from result.faults

    def _results(
        self, tasks: list[CheckTask], executor: Executor | None
    ) -> Iterator[tuple[CheckTask, CheckResult]]:
        if executor is None and self.workers == 1:
            for task in tasks:
                yield task, _run(task, self.ledger.database)
            return
        with ExitStack() as stack:
            pool = executor or stack.enter_context(
                worker_processes(self.workers, loaded=[__name__])
            )
            waiting: deque[tuple[CheckTask, Future[CheckResult]]] = deque()
            for task in tasks:
                waiting.append((task, pool.submit(run_task, task)))
                if len(waiting) > WAITING_PER_WORKER * self.workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for task, future in waiting:
                yield task, future.result()

    # -- the tasks ----------------------------------------------------------------------------

    def _tasks(self) -> Iterator[CheckTask]:
        newest = int(self._scalar("SELECT max(position) FROM events") or 0)
        deliveries_per_task, positions_per_task = self.task_sizes
        if SIGNATURES in self.only:
            for deliveries in self._delivery_ranges(deliveries_per_task):
                yield self._task(SIGNATURES, deliveries, deliveries_per_task)
        if STREAMS in self.only:
            for after in range(self.first - 1, newest, positions_per_task):
                until = min(after + positions_per_task, newest)
                yield self._task(STREAMS, PositionRange(after, until), until - after)
        if ORDER in self.only:
            yield self._task(ORDER, WholeLog(self.first), 1)
        if VIEWS in self.only:
            for name in PROJECTIONS:
                yield self._task(VIEWS, ReadModel(name), newest)

    def _task(self, check: str, scope: Scope, size: int) -> CheckTask:
        url = self.ledger.database.engine.url.render_as_string(hide_password=False)
        return CheckTask(url, self.ledger.shops, check, scope, size)

    def _delivery_ranges(self, size: int) -> Iterator[DeliveryRange]:
        """Cut the inbox into ranges, walking over its ids alone."""
        last = self._scalar("SELECT max(id) FROM notifications") or ""
        after = self._id_before_first(last)
        cut = (
            "SELECT id FROM notifications WHERE id > :after AND id <= :last"
            " ORDER BY id LIMIT 1 OFFSET :offset"
        )
        while after < last:
            until = self._scalar(cut, after=after, last=last, offset=size - 1) or last
            yield DeliveryRange(after, until, self.first)
            after = until

    def _id_before_first(self, last: str) -> str:
        """Return the id before the oldest delivery of any event from `first` on."""
        if self.first == 1:
            return ""
        query = "SELECT min(notification_id) FROM events WHERE position >= :first"
        oldest = self._scalar(query, first=self.first)
        if oldest is None:
            return last
        before = "SELECT max(id) FROM notifications WHERE id < :id"
        return self._scalar(before, id=oldest) or ""

    def _scalar(self, query: str, **parameters: object) -> Any:
        with self.ledger.database.connect() as connection:
            return connection.scalar(text(query), parameters)
