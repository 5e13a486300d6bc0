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
from ledger.storage.database import Database
from ledger.storage.database_errors import kind_of_failure
from ledger.storage.migrations import pending
from ledger.storage.write_probe import try_to_write

log = structlog.get_logger("readiness")

DATABASE_FAULTS = (LedgerError, SQLAlchemyError, CommandError)
ANSWER_SECONDS_MAX = 1.5
LOOK_SECONDS = 1.0
"""Whoever asks again so soon is told the same: a look writes to the disk."""

OK = "ok"
BLOCKED = "blocked"
"""No answer yet."""
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

    def __init__(self, database: Database, *, writes: bool = True) -> None:
        self._database = database
        self._writes = writes
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
        names = ("database", "migrations", *(("writing",) if self._writes else ()))
        look = Look(dict.fromkeys(names, BLOCKED))
        Thread(target=self._look, args=(look,), daemon=True).start()
        return look

    def _look(self, look: Look) -> None:
        try:
            look.checks["database"] = self._database_state()
            look.checks["migrations"] = self._migrations_state()
            if self._writes:
                look.checks["writing"] = self._writing_state()
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
            return "pending" if pending(self._database) else OK
        except DATABASE_FAULTS as error:
            return _noted("unknown", error)

    def _writing_state(self) -> str:
        try:
            try_to_write(self._database)
        except DATABASE_FAULTS as error:
            return _noted("refused", error)
        return OK


def readiness() -> Readiness:
    """Return what looks for this process."""
    looker: Readiness = current_app.extensions[READINESS]
    return looker


def register(app: Flask, database: Database, *, writes: bool) -> None:
    """Give an application what looks at its database; one that only reads needs no write."""
    app.extensions[READINESS] = Readiness(database, writes=writes)


def _noted(state: str, error: Exception) -> str:
    """Write to the log why a check failed; the answer itself goes to strangers."""
    log.warning("not_ready", state=state, reason=kind_of_failure(error))
    return state


def _age(look: Look) -> float:
    return time.monotonic() - look.began
