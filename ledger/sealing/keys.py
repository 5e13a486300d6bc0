"""Where the keys of one ledger come from: the master keys from their file, the index key locked."""

import hmac
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from ledger.errors import MasterKeyMissingError, SettingsError, UnsealableError
from ledger.sealing.master_keys import MasterKeys, create_master_keys, read_master_keys
from ledger.storage.database import Database, beside
from ledger.storage.tables import origin_secrets, wrapped_keys

INDEX_KEY = "index"
LOOK_SECONDS = 1.0
"""A running service takes a new master key within this time."""
_KEY_BYTES = 32


class LedgerKeys:
    """The keys of one ledger, read when they are first needed.

    Shape: without a file that is named, on SQLite `<database>.masters.toml` beside the database,
    which is made with the first row; on PostgreSQL there is none.
    """

    def __init__(
        self, database: Database, masters_file: Path | None, environ: Mapping[str, str]
    ) -> None:
        self.file = masters_file or default_file(database)
        self.is_default = masters_file is None
        self.variables = dict(environ)  # goes to worker processes
        self._database = database
        self._lock = threading.Lock()
        self._masters: MasterKeys | None = None
        self._look_at, self._seen_at, self._read_at = 0.0, 0, 0
        self._index_key: bytes | None = None

    def masters(self) -> MasterKeys:
        """Return the master keys. Errors: SettingsError when they cannot be read."""
        if self.file is None:
            raise SettingsError(
                "LEDGER_MASTER_KEYS_FILE is not set: make a file of master keys with"
                " `ledger privacy keys init`"
            )
        changed_at = self._changed_at()
        if self._masters is None or changed_at != self._read_at:
            self._masters = read_master_keys(self.file, self.variables)
            self._read_at = changed_at
        return self._masters

    def _changed_at(self) -> int:
        """Return when the file was changed last, as looked at within the last second."""
        if monotonic() >= self._look_at and self.file is not None:
            self._look_at = monotonic() + LOOK_SECONDS
            with suppress(OSError):  # what is wrong with it, reading says
                self._seen_at = self.file.stat().st_mtime_ns
        return self._seen_at

    def unlock(self, name: str, master: str, wrapped: bytes) -> bytes:
        """Unlock a secret, also by a key that has just come to the file.

        Errors: MasterKeyMissingError, also where there is no file at all; UnsealableError;
        SettingsError when the file cannot be read.
        """
        if self.file is None or not self.file.exists():
            raise MasterKeyMissingError(f"the master key {master} is nowhere on this machine")
        masters = self.masters()
        if master not in masters.key_by_id:
            self._look_at = 0.0
            masters = self.masters()
        return masters.unwrap(name, master, wrapped)

    @property
    def has_index_key(self) -> bool:
        """Return True if the index key has been read already."""
        return self._index_key is not None

    def tag(self, content: bytes) -> str:
        """Name a content under the index key. Shape: 64 lower-case hex digits.

        Errors: SettingsError.
        """
        if self._index_key is None:
            with self._lock:
                self._index_key = self._index_key or self._read_or_make_index_key()
        return hmac.digest(self._index_key, content, "sha256").hex()

    def prepare(self) -> bool:
        """Make sure that what comes can be sealed; return True if a file of master keys was made.

        Errors: SettingsError when master keys are missing, or are not those of this database.
        """
        was_made = self._make_default_file()
        self.tag(b"")
        self.check()
        return was_made

    def check(self) -> None:
        """Refuse master keys that do not open what was sealed last. Errors: SettingsError."""
        with self._database.connect() as connection:
            self._check_newest_secret(connection)
            try:
                self._stored_index_key(connection)
            except UnsealableError as error:
                raise SettingsError(str(error)) from error

    def _make_default_file(self) -> bool:
        """Make the file beside an SQLite database in which nothing is sealed yet."""
        if not self.is_default or self.file is None or self.file.exists():
            return False
        with self._database.connect() as connection:
            if is_sealing(connection):
                raise SettingsError(
                    f"the master keys file {self.file} is missing: what is sealed in this database"
                    " cannot be read without it. Put it back from its copy"
                )
        try:
            self._masters = create_master_keys(self.file, datetime.now(UTC))
        except SettingsError:
            if not self.file.exists():
                raise
            return False  # another process was faster
        return True

    def _read_or_make_index_key(self) -> bytes:
        self._make_default_file()
        masters = self.masters()
        with self._database.connect() as connection:
            known = self._stored_index_key(connection)
        if known is not None:
            return known
        key = secrets.token_bytes(_KEY_BYTES)
        master, wrapped = masters.wrap(INDEX_KEY, key)
        row = {"name": INDEX_KEY, "master": master, "wrapped": wrapped}
        try:
            with self._database.begin() as connection:
                connection.execute(insert(wrapped_keys), row)
        except IntegrityError:  # another process was faster
            with self._database.connect() as connection:
                stored = self._stored_index_key(connection)
            assert stored is not None, "its name is taken"
            return stored
        return key

    def _stored_index_key(self, connection: Connection) -> bytes | None:
        c = wrapped_keys.c
        query = select(c.master, c.wrapped).where(c.name == INDEX_KEY)
        row = connection.execute(query).one_or_none()
        return None if row is None else self.masters().unwrap(INDEX_KEY, row.master, row.wrapped)

    def _check_newest_secret(self, connection: Connection) -> None:
        """Refuse master keys that lack the one of the newest row. Errors: SettingsError."""
        c = origin_secrets.c
        newest = connection.scalar(select(c.master).order_by(c.origin_id.desc()).limit(1))
        if newest is not None and newest not in self.masters().key_by_id:
            raise SettingsError(
                f"the master key {newest} is not in the master keys file {self.file}: what it"
                " locks cannot be read"
            )


def default_file(database: Database) -> Path | None:
    """Return where the master keys of an SQLite database lie unless a file is named."""
    return beside(database, ".masters.toml")


def is_sealing(connection: Connection) -> bool:
    """Return True if anything was ever locked by a master key here."""
    return connection.scalar(select(wrapped_keys.c.name).limit(1)) is not None
