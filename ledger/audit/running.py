"""Divides an audit into tasks that any process can do, and gathers what they find."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.deliveries import DeliveryRange, check_deliveries
from ledger.audit.fault import CheckResult, Fault
from ledger.audit.keyring import Keyring
from ledger.audit.order import WholeLog, check_append_order
from ledger.audit.streams import PositionRange, check_streams
from ledger.audit.views import ReadModel, check_read_model
from ledger.projections.registry import PROJECTIONS
from ledger.shops import Shops
from ledger.storage.database import Database
from ledger.workers import worker_processes

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


class Audit:
    """Compares signatures, streams, append order and read models; changes nothing.

    Shape: `remarks` and `checked` are complete once `faults()` has ended. Deliveries and events
    that arrive meanwhile are left for the next audit. `task_sizes` are how many deliveries and
    how many positions one task is about.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        first: int = 1,
        only: tuple[str, ...] = CHECKS,
        workers: int = 1,
        progress: Progress | None = None,
        task_sizes: tuple[int, int] = (DELIVERIES_PER_TASK, POSITIONS_PER_TASK),
    ) -> None:
        self._ledger = ledger
        self._first = first
        self._only = only
        self._workers = workers
        self._progress = progress
        self._deliveries_per_task, self._positions_per_task = task_sizes
        self.remarks: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Yield every fault, in the order of the checks and within each in that of the rows."""
        done = 0
        total = self._total()
        for task, result in self._results(executor):
            self.remarks += result.remarks
            self.checked[task.check] += result.checked
            done += task.size
            if self._progress is not None:
                self._progress(task.check, min(done, total), total)
            yield from result.faults

    def _results(self, executor: Executor | None) -> Iterator[tuple[CheckTask, CheckResult]]:
        if executor is None and self._workers == 1:
            for task in self._tasks():
                yield task, _run(task, self._ledger.database)
            return
        with ExitStack() as stack:
            pool = executor or stack.enter_context(
                worker_processes(self._workers, loaded=[__name__])
            )
            waiting: deque[tuple[CheckTask, Future[CheckResult]]] = deque()
            for task in self._tasks():
                waiting.append((task, pool.submit(run_task, task)))
                if len(waiting) > WAITING_PER_WORKER * self._workers:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for task, future in waiting:
                yield task, future.result()

    # -- the tasks ----------------------------------------------------------------------------

    def _tasks(self) -> Iterator[CheckTask]:
        """Yield the tasks lazily: a long ledger has many."""
        newest = self._number("SELECT max(position) FROM events")
        if SIGNATURES in self._only:
            for deliveries in self._delivery_ranges():
                yield self._task(SIGNATURES, deliveries, self._deliveries_per_task)
        if STREAMS in self._only:
            for after in range(self._first - 1, newest, self._positions_per_task):
                positions = PositionRange(after, min(after + self._positions_per_task, newest))
                yield self._task(STREAMS, positions, positions.until - positions.after)
        if ORDER in self._only:
            yield self._task(ORDER, WholeLog(self._first), 1)
        if VIEWS in self._only:
            for name in PROJECTIONS:
                yield self._task(VIEWS, ReadModel(name), newest)

    def _task(self, check: str, scope: Scope, size: int) -> CheckTask:
        url = self._ledger.database.engine.url.render_as_string(hide_password=False)
        return CheckTask(url, self._ledger.shops, check, scope, size)

    def _delivery_ranges(self) -> Iterator[DeliveryRange]:
        """Cut the inbox into ranges, walking over its ids alone."""
        last = self._scalar("SELECT max(id) FROM notifications")
        after = self._id_before_first()
        if last is None:
            return
        cut = (
            "SELECT id FROM notifications WHERE id > :after AND id <= :last"
            " ORDER BY id LIMIT 1 OFFSET :offset"
        )
        while True:
            offset = self._deliveries_per_task - 1
            until = self._scalar(cut, after=after, last=last, offset=offset)
            yield DeliveryRange(after, str(until or last), self._first)
            if until is None or until == last:
                return
            after = str(until)

    def _id_before_first(self) -> str:
        """Return the id before the oldest delivery of any event from `first` on."""
        if self._first == 1:
            return ""
        oldest = self._scalar(
            "SELECT min(notification_id) FROM events WHERE position >= :first", first=self._first
        )
        if oldest is None:
            return str(self._scalar("SELECT max(id) FROM notifications") or "")
        before = "SELECT max(id) FROM notifications WHERE id < :id"
        return str(self._scalar(before, id=oldest) or "")

    def _total(self) -> int:
        """Return the sizes of all tasks together."""
        newest = self._number("SELECT max(position) FROM events")
        total = int(ORDER in self._only)
        if SIGNATURES in self._only:
            count = "SELECT count(*) FROM notifications WHERE id > :after"
            deliveries = self._number(count, after=self._id_before_first())
            total += -(-deliveries // self._deliveries_per_task) * self._deliveries_per_task
        if STREAMS in self._only:
            total += max(0, newest - self._first + 1)
        if VIEWS in self._only:
            total += newest * len(PROJECTIONS)
        return total

    def _number(self, query: str, **parameters: object) -> int:
        number = self._scalar(query, **parameters)
        return 0 if number is None else int(str(number))

    def _scalar(self, query: str, **parameters: object) -> object:
        with self._ledger.database.connect() as connection:
            return connection.scalar(text(query), parameters)
