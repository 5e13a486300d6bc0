"""A process says in time that it cannot store what it is sent, and why; being alive is not that."""

import re
import resource
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from threading import Event

import psutil
import pytest
from sqlalchemy import create_engine, make_url

from ledger.errors import UnavailableError
from ledger.settings import Settings
from ledger.storage.database import Database
from tests.builders import a_form, a_ledger, a_shop, form_body, shops
from tests.cli.running import shops_file
from tests.conftest import administer, opened
from tests.projections.helpers import eventually
from tests.serving import Service, serving
from tests.web.attacks.test_attacks import post, uuid
from web import create_app
from web.readiness import BLOCKED, Readiness

READY_SECONDS_MAX = 2.0
ALIVE_SECONDS_MAX = 0.5
THREADS = 2
FILE_BYTES_MAX = 128 * 1024


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, database_url, shops_file(tmp_path), threads=THREADS) as running:
        yield running


def readyz(service: Service) -> tuple[int, str]:
    """Ask whether it is ready; the answer must come in time."""
    began = time.monotonic()
    answer = service.call("GET", "/readyz")
    assert time.monotonic() - began < READY_SECONDS_MAX
    return answer


def assert_alive(service: Service) -> None:
    began = time.monotonic()
    assert service.call("GET", "/healthz")[0] == 200
    assert time.monotonic() - began < ALIVE_SECONDS_MAX


def call(service: Service, name: str) -> int:
    return post(service, form_body(a_form(vads_trans_uuid=uuid(name))))[0]


# -- a full disk ----------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_service_whose_files_cannot_grow_is_not_ready(service: Service) -> None:
    """As on a full disk; PostgreSQL's disk is its own server's."""
    (worker,) = psutil.Process(service.process.pid).children()
    for number in range(30):
        assert call(service, f"before-{number}") == 200

    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, resource.RLIM_INFINITY))
    eventually(lambda: readyz(service)[0] == 503)
    status, text = readyz(service)

    assert (status, '"writing":"refused"' in text) == (503, True)
    assert call(service, "meanwhile") == 503
    assert_alive(service)
    log = service.log.read_text()
    assert re.search(r'"reason": "OperationalError SQLITE_\w+", "event": "not_ready"', log)
    assert re.search(r'"error": "UnavailableError: .* < OperationalError SQLITE_\w+"', log)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: readyz(service)[0] == 200)
    assert call(service, "meanwhile") == 200


# -- a database that can only be read -------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_service_whose_database_is_set_read_only_says_so_and_needs_no_restart(
    service: Service,
) -> None:
    """Connections that are open go on as they began: it tells what new ones would meet, and takes
    new ones when the old ones cannot write any more."""
    url = make_url(service.database_url)
    server, name = url.set(database="postgres", drivername="postgresql+psycopg"), url.database
    assert call(service, "before") == 200

    administer(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    eventually(lambda: '"writing":"read-only"' in readyz(service)[1], seconds=READY_SECONDS_MAX)
    assert readyz(service)[0] == 503
    _end_connections(server, name)
    eventually(lambda: call(service, "meanwhile") == 503)
    assert service.call("GET", "/readyz/pages")[0] == 200
    assert_alive(service)
    read_only = "25006"
    eventually(lambda: f"ReadOnlySqlTransaction {read_only}" in service.log.read_text())
    assert "KO read-only" in post(service, form_body(a_form(vads_trans_uuid=uuid("why"))))[1]

    administer(server, f"ALTER DATABASE {name} RESET default_transaction_read_only")

    eventually(lambda: readyz(service)[0] == 200, seconds=2 * READY_SECONDS_MAX)
    assert call(service, "after") == 200


def _end_connections(server: object, database_name: object) -> None:
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
    administer(server, f"{end_all} '{database_name}'")  # type: ignore[arg-type]  # it is a URL


# -- a table that somebody holds ------------------------------------------------------------------


@contextmanager
def held_by_a_migration(url: str) -> Iterator[None]:
    """Hold what receiving needs, as a migration does."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        return
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("LOCK TABLE events, notifications IN ACCESS EXCLUSIVE MODE")
        yield
    engine.dispose()


def test_a_service_whose_tables_are_held_says_so_while_all_its_threads_wait(
    service: Service,
) -> None:
    with ThreadPoolExecutor(3 * THREADS) as pool:
        with held_by_a_migration(service.database_url):
            waiting = [pool.submit(call, service, f"held-{n}") for n in range(3 * THREADS)]
            time.sleep(1.2)  # what was seen before is not told again

            status, text = readyz(service)
            assert (status, f'"writing":"{BLOCKED}"' in text) == (503, True)
            assert readyz(service)[0] == 503
            assert_alive(service)
        statuses = [answer.result(30) for answer in waiting]

    assert statuses == [200] * len(statuses)
    eventually(lambda: readyz(service)[0] == 200)


# -- without a service ----------------------------------------------------------------------------


class StuckDatabase:
    """A database that answers nothing until it is let go."""

    is_sqlite = True

    def __init__(self) -> None:
        self.let_go = Event()
        self.connections = 0

    def connect(self) -> AbstractContextManager[None]:
        self.connections += 1
        self.let_go.wait(30)
        raise UnavailableError("it was let go")

    begin = connect


def test_a_database_that_never_answers_holds_one_thread_and_no_answer() -> None:
    database = StuckDatabase()
    readiness = Readiness(database)  # type: ignore[arg-type]  # a fake

    began = time.monotonic()
    answers = [readiness.checks() for _ in range(5)]

    assert time.monotonic() - began < READY_SECONDS_MAX
    assert answers == [dict.fromkeys(("database", "migrations", "views", "writing"), BLOCKED)] * 5
    assert database.connections == 1
    database.let_go.set()


def test_a_probe_leaves_nothing(database: Database) -> None:
    Readiness(database).checks()

    for table in ("quarantine", "notifications", "events"):
        with database.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        assert rows == 0


@pytest.mark.parametrize(
    ("only", "statuses"), [("receiver", (400, 404)), ("reader", (404, 401)), (None, (400, 401))]
)
def test_a_process_serves_its_part_and_says_whether_it_is_ready(
    sqlite_url: str, only: str | None, statuses: tuple[int, int]
) -> None:
    with opened(sqlite_url) as database:
        app = create_app(Settings(), a_ledger(database, shops(a_shop())), only=only)
        client = app.test_client()

        received, read = client.post("/ipn", data=b"x"), client.get("/api/v1/transactions")
        ready = client.get("/readyz")

    assert (received.status_code, read.status_code) == statuses
    assert ready.status_code == 200
    assert ("writing" in ready.get_json()["checks"]) is (only != "reader")
    assert client.get("/healthz").status_code == 200
