"""Divides an audit into units that any process can do, and gathers what they find."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.audit.deliveries import Deliveries, check_deliveries
from ledger.audit.fault import Fault, Found
from ledger.audit.keyring import Keyring
from ledger.audit.order import Order, check_order
from ledger.audit.streams import Streams, check_streams
from ledger.audit.views import View, check_view
from ledger.projections.registry import PROJECTIONS
from ledger.shops import Shops
from ledger.storage.database import Database
from ledger.workers import worker_processes

SIGNATURES, STREAMS, ORDER, VIEWS = "signatures", "streams", "order", "views"
CHECKS = (SIGNATURES, STREAMS, ORDER, VIEWS)

DELIVERIES_PER_UNIT = 2_000
POSITIONS_PER_UNIT = 10_000
WAITING_PER_WORKER = 3
"""Units handed out ahead: enough that nobody waits, few enough that memory stays the same."""

Part = Deliveries | Streams | Order | View
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Unit:
    """Work that any process can do, on any machine that reaches the database.

    Shape: `size` is how many rows it is about, for the progress shown.
    """

    database_url: str = field(repr=False)
    shops: Shops = field(repr=False)
    check: str
    part: Part
    size: int


def run_unit(unit: Unit) -> Found:
    """Do one unit of work in this process."""
    database = Database(unit.database_url, pool_size=2)
    try:
        return _run(unit, database)
    finally:
        database.dispose()


def _run(unit: Unit, database: Database) -> Found:
    part = unit.part
    if isinstance(part, View):
        return check_view(database, part)
    with database.connect() as connection:
        if isinstance(part, Deliveries):
            return check_deliveries(connection, Keyring(unit.shops), part)
        if isinstance(part, Streams):
            return check_streams(connection, part)
        return check_order(connection, part)


class Audit:
    """Compares signatures, streams, order and views; changes nothing.

    Shape: `remarks` and `checked` are complete once `faults()` has ended. Deliveries and events
    that arrive meanwhile are left for the next audit.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        first: int = 1,
        only: tuple[str, ...] = CHECKS,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self._ledger = ledger
        self._first = first
        self._only = only
        self._workers = workers
        self._progress = progress
        self.remarks: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()

    def faults(self, executor: Executor | None = None) -> Iterator[Fault]:
        """Every fault, in the order of the checks and within each in that of the rows."""
        done = 0
        total = self._total()
        for unit, found in self._results(executor):
            self.remarks += found.remarks
            self.checked[unit.check] += found.checked
            done += unit.size
            if self._progress is not None:
                self._progress(unit.check, min(done, total), total)
            yield from found.faults

    def _results(self, executor: Executor | None) -> Iterator[tuple[Unit, Found]]:
        if executor is None and self._workers == 1:
            for unit in self._units():
                yield unit, _run(unit, self._ledger.database)
            return
        with ExitStack() as stack:
            pool = executor or stack.enter_context(
                worker_processes(self._workers, loaded=[__name__])
            )
            waiting: deque[tuple[Unit, Future[Found]]] = deque()
            for unit in self._units():
                waiting.append((unit, pool.submit(run_unit, unit)))
                if len(waiting) > WAITING_PER_WORKER * self._workers:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())

    # -- the units ----------------------------------------------------------------------------

    def _units(self) -> Iterator[Unit]:
        """Lazily: a long ledger has many."""
        newest = self._scalar("SELECT max(position) FROM events")
        views = [View(name) for name in PROJECTIONS]
        if SIGNATURES in self._only:
            for ids in self._ranges_of_ids():
                yield self._unit(SIGNATURES, ids, DELIVERIES_PER_UNIT)
        if STREAMS in self._only:
            for after in range(self._first - 1, newest, POSITIONS_PER_UNIT):
                positions = Streams(after, min(after + POSITIONS_PER_UNIT, newest))
                yield self._unit(STREAMS, positions, positions.until - positions.after)
        if ORDER in self._only:
            yield self._unit(ORDER, Order(self._first), 1)
        if VIEWS in self._only:
            for view in views:
                yield self._unit(VIEWS, view, newest)

    def _unit(self, check: str, part: Part, size: int) -> Unit:
        url = self._ledger.database.engine.url.render_as_string(hide_password=False)
        return Unit(url, self._ledger.shops, check, part, size)

    def _ranges_of_ids(self) -> Iterator[Deliveries]:
        """Ranges of the journal, cut by walking over its ids alone."""
        last = self._read("SELECT max(id) FROM notifications")
        after = self._before_first()
        if last is None:
            return
        cut = (
            "SELECT id FROM notifications WHERE id > :after AND id <= :last"
            " ORDER BY id LIMIT 1 OFFSET :offset"
        )
        while True:
            told = {"after": after, "last": last, "offset": DELIVERIES_PER_UNIT - 1}
            until = self._read(cut, **told)
            yield Deliveries(after, str(until or last), self._first)
            if until is None or until == last:
                return
            after = str(until)

    def _before_first(self) -> str:
        """The id before the oldest delivery of any event from `first` on."""
        if self._first == 1:
            return ""
        oldest = self._read(
            "SELECT min(notification_id) FROM events WHERE position >= :first", first=self._first
        )
        newest = self._read("SELECT max(id) FROM notifications")
        before = "SELECT max(id) FROM notifications WHERE id < :id"
        return str(self._read(before, id=oldest) or "") if oldest else str(newest or "")

    def _total(self) -> int:
        newest = self._scalar("SELECT max(position) FROM events")
        events = max(0, newest - self._first + 1)
        deliveries = 0
        if SIGNATURES in self._only:
            count = "SELECT count(*) FROM notifications WHERE id > :after"
            deliveries = self._scalar(count, after=self._before_first())
            deliveries = -(-deliveries // DELIVERIES_PER_UNIT) * DELIVERIES_PER_UNIT
        of_views = newest * len(PROJECTIONS) if VIEWS in self._only else 0
        of_streams = events if STREAMS in self._only else 0
        return deliveries + of_streams + of_views + (ORDER in self._only)

    def _scalar(self, query: str, **told: object) -> int:
        found = self._read(query, **told)
        return 0 if found is None else int(str(found))

    def _read(self, query: str, **told: object) -> object:
        connection: Connection
        with self._ledger.database.connect() as connection:
            return connection.scalar(text(query), told)


def _result(one: "tuple[Unit, Future[Found]]") -> tuple[Unit, Found]:
    unit, future = one
    return unit, future.result()
