"""Answers whether this process can do its work now, within a time, whatever the database does."""

import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import structlog
from alembic.util import CommandError
from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import LedgerError
from ledger.projections.engine.generations import live_generations
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from ledger.storage.database_errors import is_read_only, kind_of_failure
from ledger.storage.migrations import revisions
from ledger.storage.read_only import READ_ONLY, read_only_state_of
from ledger.storage.write_probe import try_to_write

log = structlog.get_logger("readiness")

DATABASE_FAULTS = (LedgerError, SQLAlchemyError, CommandError)
ANSWER_SECONDS_MAX = 1.5
LOOK_SECONDS = 1.0
"""Whoever asks again so soon is told the same: a look writes to the disk."""

OK = "ok"
NEWER = "newer"
"""A newer version has migrated the tables, and lets this one serve."""
BLOCKED = "blocked"
"""No answer yet."""
WELL = {OK, NEWER}
PEOPLE = ("database", "migrations", "views")
"""What has to be well where people and programs read."""
READINESS = "ipn-ledger-readiness"
"""Its name among the extensions of an application."""


@dataclass
class Look:
    """One look at the database, which may still go on. Shape: one word for each check."""

    checks: dict[str, str]
    began: float = field(default_factory=time.monotonic)
    is_over: Event = field(default_factory=Event)


class Readiness:
    """Looks at a database from a thread of its own, one look at a time."""

    def __init__(self, database: Database, *, writes: bool = True, reads: bool = True) -> None:
        self._database = database
        self._looks = {"database": self._database_state, "migrations": self._migrations_state}
        if reads:
            self._looks["views"] = self._views_state
        if writes:  # last: it may have to wait
            self._looks["writing"] = self._writing_state
        self._lock = Lock()
        self._last: Look | None = None

    def checks(self) -> dict[str, str]:
        """Return one word for each check, `blocked` for those that have not answered in time."""
        with self._lock:
            look = self._last
            if look is None or (look.is_over.is_set() and _age(look) > LOOK_SECONDS):
                look = self._last = self._new_look()
        look.is_over.wait(max(0.0, ANSWER_SECONDS_MAX - _age(look)))
        return dict(look.checks)

    def _new_look(self) -> Look:
        look = Look(dict.fromkeys(self._looks, BLOCKED))
        Thread(target=self._look, args=(look,), daemon=True).start()
        return look

    def _look(self, look: Look) -> None:
        try:
            for name, state in self._looks.items():
                look.checks[name] = state()
        finally:
            look.is_over.set()

    def _database_state(self) -> str:
        try:
            with self._database.connect() as connection:
                connection.execute(select(1))
        except DATABASE_FAULTS as error:
            return _noted("unreachable", error)
        return OK

    def _migrations_state(self) -> str:
        try:
            known = revisions(self._database)
        except DATABASE_FAULTS as error:
            return _noted("unknown", error)
        if known.missing:
            return "pending"
        return OK if known.newer is None else NEWER

    def _views_state(self) -> str:
        try:
            with self._database.connect() as connection:
                return OK if len(live_generations(connection)) == len(PROJECTIONS) else "not-built"
        except DATABASE_FAULTS as error:
            return _noted("unknown", error)

    def _writing_state(self) -> str:
        try:
            try_to_write(self._database)
            return read_only_state_of(self._database) or OK
        except DATABASE_FAULTS as error:
            return _noted(self._why_refused(error), error)

    def _why_refused(self, error: Exception) -> str:
        if not is_read_only(error):
            return "refused"
        try:
            return read_only_state_of(self._database) or READ_ONLY
        except DATABASE_FAULTS:
            return READ_ONLY


def readiness() -> Readiness:
    """Return what looks for this process."""
    looker: Readiness = current_app.extensions[READINESS]
    return looker


def register(app: Flask, database: Database, *, writes: bool, reads: bool) -> None:
    """Give an application what looks at its database, as far as it needs to write and to read."""
    app.extensions[READINESS] = Readiness(database, writes=writes, reads=reads)


def _noted(state: str, error: Exception) -> str:
    """Write to the log why a check failed; the answer itself goes to strangers."""
    log.warning("not_ready", state=state, reason=kind_of_failure(error))
    return state


def _age(look: Look) -> float:
    return time.monotonic() - look.began
