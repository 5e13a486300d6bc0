"""Copies a whole database to a file while it is in use, and puts such a copy back."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect

from ledger.errors import SettingsError
from ledger.storage.database import Database

_TABLE = "events"


def copy_database(database: Database, folder: Path) -> str:
    """Copy the database into a folder; return the name of the file. Errors: SettingsError."""
    name = "ledger.sqlite" if database.is_sqlite else "ledger.dump"
    file = folder / name
    if database.is_sqlite:
        path = str(database.engine.url.database)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
        file.chmod(0o600)
    else:
        _run("pg_dump", database, "--format=custom", "--no-owner", f"--file={file}")
    return name


def put_database_back(database: Database, file: Path) -> None:
    """Put a copy in the place of a database that is missing or empty. Errors: SettingsError."""
    if file.suffix != (".sqlite" if database.is_sqlite else ".dump"):
        raise SettingsError(f"{file.name} is the copy of another kind of database")
    if database.is_sqlite:
        target = Path(str(database.engine.url.database))
        if target.exists():
            raise SettingsError(f"there is a database already: {target}; nothing was written over")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.part")
        shutil.copyfile(file, partial)
        partial.replace(target)
        return
    if inspect(database.engine).has_table(_TABLE):
        raise SettingsError("there is a ledger in this database already; nothing was written over")
    _run("pg_restore", database, "--no-owner", "--exit-on-error", "--single-transaction", str(file))


def _run(program: str, database: Database, *options: str) -> None:
    """Run one of PostgreSQL's programs. Shape: a password goes by the environment, which others on
    this machine cannot read."""
    path = shutil.which(program)
    if path is None:
        raise SettingsError(f"{program} is missing: install the client programs of PostgreSQL")
    url = database.engine.url
    plain = url.set(drivername="postgresql", password=None)
    environ = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
    address = f"--dbname={plain.render_as_string()}"
    done = subprocess.run(  # noqa: S603  a program of the server's own, by its whole path
        [path, address, *options], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise SettingsError(f"{program} failed: {reason}")
