"""Divide a long work into units that name what is to be done, and hold no secret.

A unit travels to whoever does it, and may be printed on the way; what opens the database and what
is sealed in it stays with the workers, each of which has it from its own environment.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.settings import read_settings

_Result = TypeVar("_Result")

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WorkPlace:
    """What a worker has of its own: where the database is, and the keys of what is in it.

    Shape: `variables` is the environment in which master keys may stand.
    """

    database_url: str = field(repr=False)
    shops: Shops = field(default_factory=Shops, repr=False)
    masters_file: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def place_of_environment(environ: Mapping[str, str]) -> WorkPlace:
    """Return the place that the environment of this process describes. Errors: SettingsError."""
    if not environ.get("LEDGER_DATABASE_URL"):
        raise SettingsError("LEDGER_DATABASE_URL is not set in the environment of a worker")
    settings = read_settings(environ)
    shops = Shops() if settings.shops_file is None else read_shops(settings.shops_file, environ)
    return WorkPlace(settings.database_url, shops, settings.master_keys_file, environ)


Unit = Callable[[WorkPlace], _Result]


@dataclass(frozen=True, slots=True)
class Workers:
    """Those who do the units of a work, at most `count` at once.

    Shape: workers of this machine are given their place as they are given a unit; others, for whom
    it is None, find it in their own environment.
    """

    executor: Executor
    count: int
    workplace: WorkPlace | None

    def results(
        self, units: Iterable[Unit[_Result]], meanwhile: Callable[[], object] | None = None
    ) -> Iterator[_Result]:
        """Have units done; yield their results in the order of the units.

        Shape: `meanwhile` is called every half second and whenever a unit is done; what it raises
        ends everything that has not begun. Errors: whatever a unit raises, likewise.
        """
        waiting, submitted = deque(units), deque[Future[_Result]]()
        running: set[Future[_Result]] = set()
        try:
            while waiting or submitted:
                while waiting and len(running) < self.count:
                    submitted.append(self.executor.submit(do, waiting.popleft(), self.workplace))
                    running.add(submitted[-1])
                timeout = None if meanwhile is None else POLL_SECONDS
                running = wait(running, timeout, return_when=FIRST_COMPLETED).not_done
                if meanwhile is not None:
                    meanwhile()
                while submitted and submitted[0].done():
                    yield submitted.popleft().result()
        finally:
            for future in submitted:
                future.cancel()


def do(unit: Unit[_Result], workplace: WorkPlace | None) -> _Result:
    """Do a unit here, or where the environment of this process says."""
    if workplace is not None:
        return unit(workplace)
    try:
        return unit(place_of_environment(os.environ))
    except DBAPIError as error:
        error.params = None  # they are rows: an error travels further than those
        raise
