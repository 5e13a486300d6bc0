"""What the log, sealing and erasing cost: against the code before them, or against a limit."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bench import large_log
from bench.bodies import write_bodies
from bench.checkouts import Checkout, checkout
from bench.figures import Figure, Goal, Sheet, ratios
from bench.ground import Extent, median, open_ledger, timed
from bench.ingest import (
    CLIENTS,
    THREADS,
    WORKERS,
    Arm,
    combined,
    inserts,
    sqlite_inserts,
    typical,
)
from bench.load import drive
from bench.proof_steps import (
    IS_FOLLOWED,
    IS_IN_LOG,
    bodies_bytes,
    bundle_seconds,
    erase,
    sealed_bytes,
    seconds_until,
    sequence_and_sign,
    settle,
    stored_bytes,
    verify_log_seconds,
)
from bench.servers import ledger as serving
from bench.servers import rival

LOADS = {1: 1_500, CLIENTS: 3_000}
"""How many clients send at once, and how many bodies are made for each second."""
ERASED = 1_000


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it is measured. Shape: `place` is a URL on a server, or a folder for files."""

    database: str
    place: str | Path
    folder: Path
    workers: int
    extent: Extent

    @property
    def is_sqlite(self) -> bool:
        return isinstance(self.place, Path)

    def bodies(self, clients: int) -> Path:
        """Return the file of what so many clients send."""
        return self.folder / f"bodies-{clients}"

    @contextmanager
    def pair(self, name: str, sheet: Sheet, bodies: Path) -> Iterator[list[Checkout]]:
        """Make a ledger of this code, and one of the code before if it can be; fill both."""
        folder = self.extent.before
        with ExitStack() as stack:
            mine = stack.enter_context(checkout(name, self.place, self.folder))
            mine.run("fill", str(bodies))
            checkouts = [mine]
            if folder is not None:
                former = checkout(f"{name}_before", self.place, self.folder, folder)
                before = stack.enter_context(former)
                try:
                    before.run("fill", str(bodies))
                    checkouts.append(before)
                except ValueError as error:
                    sheet.remarks.append(f"  nothing here is compared with before: {error}")
            yield checkouts


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
        return _measured(Ground("PostgreSQL", url, Path(folder), WORKERS, extent))


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return _measured(Ground("SQLite", folder, folder, 1, extent))


def _measured(ground: Ground) -> list[Sheet]:
    receiving, rate = _receiving(ground)
    with (
        checkout("large", ground.place, ground.folder) as mine,
        open_ledger(mine.url, mine.environ) as ledger,
    ):
        large = large_log.measured(ground.database, ledger, mine.url, ground.extent)
    return [receiving, _stored(ground, rate), large]


# -- receiving ------------------------------------------------------------------------------------


def _receiving(ground: Ground) -> tuple[Sheet, float]:
    """Shape: with the rate of many clients."""
    words = f"{ground.workers} processes of {THREADS} threads, {ground.extent.told}"
    sheet = Sheet("receiving with the log", ground.database, words)
    nothing = ground.folder / "nothing"
    nothing.write_bytes(b"")
    with ground.pair("receiving", sheet, nothing) as checkouts:
        sides = [Side.of(each, ground.workers) for each in checkouts]
        limits: dict[int, list[float]] = {clients: [] for clients in LOADS}
        for number in range(ground.extent.rounds):
            _write_loads(ground, f"proof{ground.database}{number}")
            for clients in LOADS if len(sides) == 1 else ():
                limits[clients].append(_limit(ground, checkouts[0].url, clients))
            for side in sides[:: -1 if number % 2 else 1]:
                side.take_turn(ground)
    for clients in LOADS:
        _add_receiving(sheet, sides, clients, limits[clients])
    lag = max(sides[0].lags)
    _add_seconds(sheet, "from the end of a load until all is in the log", lag, high=15)
    return sheet, median(sides[0].arms[CLIENTS].rates)


@dataclass
class Side:
    """Receiving with the code of one checkout. Shape: `arms` by how many clients there are."""

    source: Checkout
    arms: dict[int, Arm]
    lags: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, source: Checkout, workers: int) -> "Side":
        command = serving(workers, THREADS)
        return cls(
            source,
            {
                clients: Arm(
                    f"{_clients(clients)}, {source.label}",
                    command,
                    source.url,
                    checkout=source.folder,
                    environ=source.environ,
                )
                for clients in LOADS
            },
        )

    def take_turn(self, ground: Ground) -> None:
        """Serve each load, and follow all that came before the next one begins."""
        with self.arms[CLIENTS].serving() as address:
            for clients, arm in self.arms.items():
                bodies, seconds = ground.bodies(clients), ground.extent.seconds
                arm.loads.append(drive(address, bodies, clients=clients, seconds=seconds))
                if self.source.is_now:
                    self.lags.append(seconds_until(self.source.url, IS_IN_LOG))
                seconds_until(self.source.url, IS_FOLLOWED)
        for arm in self.arms.values():
            arm.memory_mib = self.arms[CLIENTS].memory_mib  # one server had both


def _write_loads(ground: Ground, seed: str) -> None:
    """Write what is sent in one round: to both codes the same, and to no ledger twice."""
    counts = {clients: rate * ground.extent.seconds for clients, rate in LOADS.items()}
    every = ground.folder / "bodies"
    write_bodies(every, sum(counts.values()), seed)
    lines = iter(every.read_bytes().splitlines(keepends=True))
    for clients, count in counts.items():
        ground.bodies(clients).write_bytes(b"".join(islice(lines, count)))


def _add_receiving(sheet: Sheet, sides: list[Side], clients: int, limits: list[float]) -> None:
    mine, *others = [side.arms[clients] for side in sides]
    if not others:
        sheet.add(f"{_clients(clients)}, limit", rate=median(limits))
        mine.add_to(sheet, ratio=ratios(mine.rates, limits), of="limit")
        return
    (before,) = others
    before.add_to(sheet)
    rates = ratios(mine.rates, before.rates)
    mine.add_to(sheet, ratio=rates, of="before", goal=Goal(low=0.9))
    tails = ratios([load.p99_ms for load in mine.loads], [load.p99_ms for load in before.loads])
    sheet.add("  its p99", ratio=tails, of="before", goal=Goal(high=1.2))


def _clients(count: int) -> str:
    return f"{count} client" + "s" * (count > 1)


def _limit(ground: Ground, url: str, clients: int) -> float:
    """Return what the web server and the database allow, as `bench ingest` measures it."""
    bodies, seconds = ground.bodies(clients), ground.extent.seconds
    name = "insert" if clients == 1 and not ground.is_sqlite else "noop"
    server = Arm(name, rival(name, ground.workers, THREADS), url)
    with server.serving() as address:  # who keeps nothing may get calls again
        rate = drive(
            address, bodies, clients=clients, seconds=seconds, may_repeat=name == "noop"
        ).rate
    if name == "insert":
        return rate
    rows = (
        sqlite_inserts(ground.folder / "raw.sqlite", typical(bodies), seconds)
        if ground.is_sqlite
        else inserts(url, bodies, clients, seconds)
    )
    return combined([rate], [rows])[0]


# -- one ledger with its log ----------------------------------------------------------------------


def _stored(ground: Ground, receiving_rate: float) -> Sheet:
    extent = ground.extent
    sheet = Sheet("log", ground.database, f"{extent.calls} deliveries, {extent.rounds} rounds")
    bodies = ground.folder / "bodies"
    write_bodies(bodies, extent.calls, f"stored{ground.database}")
    raw = sum(map(len, bodies.read_bytes().splitlines()))
    with ground.pair("stored", sheet, bodies) as checkouts:
        mine = checkouts[0]
        with open_ledger(mine.url, mine.environ) as ledger:
            rate = extent.calls / timed(lambda: sequence_and_sign(ledger))
            ratio = rate / receiving_rate
            of = f"receiving, {CLIENTS} clients"
            sheet.add("entries, signed", rate=rate, ratio=ratio, of=of, goal=Goal(low=1))
        _add_sizes(sheet, checkouts, raw, extent.calls)
        _add_reads(sheet, checkouts, extent)
        with open_ledger(mine.url, mine.environ) as ledger:
            pairs = [verify_log_seconds(ledger, mine.url) for _ in range(extent.rounds)]
            audits, scans = [audit for audit, _ in pairs], [scan for _, scan in pairs]
            figure = sheet.add("verify --only log", rate=extent.calls / median(audits))
            _compare(figure, ratios(scans, audits), "a scan of its rows", Goal(low=0.5))
            bundles = [bundle_seconds(ledger) for _ in range(extent.rounds)]
            _add_seconds(sheet, "bundle of a transaction", median(bundles), high=1)
            count, seconds = erase(ledger, min(ERASED, extent.calls // 2))
            _add_seconds(sheet, f"erasing {count} origins, verified", seconds, high=30)
    return sheet


def _add_sizes(sheet: Sheet, checkouts: list[Checkout], raw: int, calls: int) -> None:
    for each in checkouts:
        settle(each.url)
    mine = checkouts[0].url
    goal = None if mine.startswith("sqlite") else Goal(high=0.12)
    for name, size, bar in (
        ("sealed bodies", sealed_bytes(mine), goal),
        ("table bodies, with what events seal", bodies_bytes(mine), None),
    ):
        figure = sheet.add(f"{name}, a delivery", value=size / calls, unit="bytes")
        _compare(figure, size / raw, "raw bodies", bar)
    sizes = [stored_bytes(each.url) for each in checkouts]
    for each, size in zip(checkouts, sizes, strict=True):
        name = f"all tables and indexes, {each.label}, a delivery"
        figure = sheet.add(
            name, value=size / calls, unit="bytes", ratio=size / raw, of="raw bodies"
        )
    if len(sizes) > 1:
        sheet.add("  all", ratio=sizes[0] / sizes[1], of="before", goal=Goal(high=1.38))


def _add_reads(sheet: Sheet, checkouts: list[Checkout], extent: Extent) -> None:
    """Rebuild every read model that all checkouts have, and read histories, in turn."""
    try:
        taken = _read_in_turn(checkouts, extent.rounds)
    except ValueError as error:
        sheet.remarks.append(f"  rebuilds and histories are not compared with before: {error}")
        taken = _read_in_turn(checkouts[:1], extent.rounds)
    common = set.intersection(*(set(seconds[0]) for seconds in taken))
    if left_out := set(taken[0][0]) - common:
        sheet.remarks.append(f"  not compared, for only one has it: {', '.join(sorted(left_out))}")
    models = sorted(common - {"a history"})
    rebuilds = [[sum(each[name] for name in models) for each in seconds] for seconds in taken]
    histories = [[each["a history"] for each in seconds] for seconds in taken]
    for arm, seconds_by_side, goal in (
        (f"rebuild of {len(models)} read models", rebuilds, Goal(low=0.98)),
        ("reading a history", histories, Goal(high=1.3)),
    ):
        mine, *before = seconds_by_side
        figure = sheet.add(arm, value=median(mine) * 1000, unit="ms")
        if before:
            is_rate = goal.low is not None
            above, below = (before[0], mine) if is_rate else (mine, before[0])
            _compare(figure, ratios(above, below), "before's rate" if is_rate else "before", goal)


def _read_in_turn(checkouts: list[Checkout], rounds: int) -> list[list[dict[str, float]]]:
    """Return the seconds of each step, by round and checkout."""
    taken: list[list[dict[str, float]]] = [[] for _ in checkouts]
    for number in range(rounds):
        turns = list(zip(checkouts, taken, strict=True))
        for each, seconds in turns[:: -1 if number % 2 else 1]:
            seconds.append(each.run("read"))
    return taken


# -- lines ----------------------------------------------------------------------------------------


def _compare(figure: Figure, ratio: float, of: str, goal: Goal | None) -> None:
    figure.ratio, figure.of, figure.goal = ratio, of, goal


def _add_seconds(sheet: Sheet, arm: str, seconds: float, *, high: float) -> None:
    sheet.add(arm, value=seconds, unit="s", ratio=seconds, of="a second", goal=Goal(high=high))
