"""`ledger serve`: the service, its worker processes, and how they stop."""

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing.sharedctypes import RawValue
from multiprocessing.util import Finalize
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer
from sqlalchemy.exc import SQLAlchemyError

from ledger import logs
from ledger.cli.check import shop_findings
from ledger.cli.finding import FAULT
from ledger.errors import LedgerError, SettingsError
from ledger.projections.runner import ProjectionRunner, prepare_views
from ledger.settings import Settings, read_settings
from ledger.storage.database import Database
from ledger.storage.migrations import is_empty, migrate, pending

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger("serve")

STOP_SECONDS_MAX = 30
START_SECONDS = 1.0
"""From an application that is built to a server that listens to its signals: some milliseconds."""
HEADER_SECONDS_MAX = 10
GARBAGE_FROM = 20_000
"""Objects; a call makes some thousands, which go by themselves."""
HEADER_BYTES_MAX = 64 * 1024

_SERVING, _DRAINING, _STOPPING = range(3)
_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}

_LIBRARY_LOGS = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes.  [default: 1 on SQLite, one per core on PostgreSQL]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Calls that each process answers at once.  [default: 2 per core and 1, at most 8]",
)
@click.option(
    "--drain-seconds",
    type=click.IntRange(0, 300),
    default=0,
    show_default=True,
    help="On SIGTERM go on serving so long with /readyz saying no, then stop.",
)
@click.option("--demo", is_flag=True, help="Serve synthetic shops and play every story to them.")
@click.option("--once", is_flag=True, help="With --demo: stop when the stories are told.")
@click.pass_context
def serve(
    ctx: click.Context,
    *,
    host: str,
    port: int,
    workers: int | None,
    threads: int | None,
    drain_seconds: int,
    demo: bool,
    once: bool,
) -> None:
    """Run the service until SIGTERM or SIGINT; finish what was accepted.

    An empty SQLite database is migrated first. Exits 2 when something is wrong at the start.
    """
    if once and not demo:
        raise click.UsageError("--once needs --demo")
    if demo:
        _prepare_demo()
    settings = read_settings(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    if not _is_fit(settings):
        ctx.exit(2)
    prepare_database(settings)
    if demo:
        _let_in(settings)
    address, port = _free_address(host, port)
    server = Server(
        address,
        port,
        workers=workers or (1 if settings.is_sqlite else _cores()),
        threads=threads or min(8, 2 * _cores() + 1),
        drain_seconds=drain_seconds,
    )
    ctx.exit(_run(server, _player(address, port, once=once) if demo else None))


class Server(MPServer):
    """The web server and its workers, each with an application of its own."""

    def __init__(
        self, address: str, port: int, *, workers: int, threads: int, drain_seconds: int = 0
    ) -> None:
        super().__init__(
            "web:create_app",
            address=address,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=threads,
            http=HTTPModes.http1,
            websockets=False,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_SECONDS_MAX * 1000, max_buffer_size=HEADER_BYTES_MAX
            ),
            log_dictconfig=_LIBRARY_LOGS,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS_MAX,
        )
        self._drain_seconds = drain_seconds
        self._state = RawValue("b", _SERVING)  # the workers look at it
        self._has_served = RawValue("b", False)  # they write it
        self.respawned_wrks = _Respawned(self._has_served)

    def run(self, build: "Callable[[Any], Flask] | None" = None) -> None:
        """Serve until a signal. Shape: `build` is given the state to look at, and makes one
        application. Errors: SystemExit when the workers keep failing.
        """
        load = partial(_begin_worker, self._state, self._has_served, build or _application)
        self.serve(target_loader=load, wrap_loader=False)

    def signal_handler_interrupt(self, *told: Any, **_: Any) -> None:
        """Stop; at a first SIGTERM only after the load balancer had time to look away.

        What wakes the main loop holds a lock, so a signal must not interrupt it to do the same.
        """
        if os.getpid() != self.pid:  # a worker that has only just begun inherits this handler
            os._exit(0)
        if self._state.value == _SERVING and self._drain_seconds and told[0] == signal.SIGTERM:
            self._state.value = _DRAINING
            drain = threading.Timer(self._drain_seconds, self._stop)
            drain.daemon = True
            drain.start()
        elif self._state.value != _STOPPING:
            self._state.value = _STOPPING
            self._stop()

    def shutdown(self, exit_code: int = 0) -> None:
        """Leave. A worker that a signal ended while it was still starting is no failure of a
        service that was told to stop."""
        try:
            super().shutdown(exit_code)  # type: ignore[no-untyped-call]  # the library has no types here
        except SystemExit:
            if exit_code or self._state.value != _STOPPING:
                raise

    def _stop(self) -> None:
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # the library has no types here


class _Respawned(dict[int, float]):
    """When each worker was replaced, as the web server asks to see whether they only fail.

    It would end the whole service over one that was killed twice within seconds, by a lack of
    memory for instance. Only a service of which no worker ever came to serve ends.
    """

    def __init__(self, has_served: Any) -> None:
        super().__init__()
        self._has_served = has_served

    def get(self, index: int, default: Any = None) -> Any:
        return default if self._has_served.value else super().get(index, default)


def prepare_database(settings: Settings) -> None:
    """Make sure that the durable tables are current.

    Errors: SettingsError, unless it is an empty SQLite file, which is simply migrated: on a
    server that others share, migrating is a decision.
    """
    database = Database(settings.database_url)
    try:
        if settings.is_sqlite and is_empty(database):
            migrate(database)
        elif missing := pending(database):
            told = f"{len(missing)} migrations are to be applied first"
            raise SettingsError(f"{told}: run `ledger migrate`")
        for name in prepare_views(database):
            log.warning("view is stale", view=name, mend=f"ledger rebuild {name}")
    except SQLAlchemyError as error:
        told = f"the database does not answer ({type(error).__name__}): see LEDGER_DATABASE_URL"
        raise SettingsError(told) from error
    finally:
        database.dispose()


def _is_fit(settings: Settings) -> bool:
    found = shop_findings(settings, os.environ, now=datetime.now(UTC))
    faults = [one for one in found if one.state == FAULT]
    for one in faults:
        click.echo(f"error: {one.subject}: {one.message}", err=True)
    return not faults


def _free_address(host: str, port: int) -> tuple[str, int]:
    """Claim an address for an instant: workers share theirs, so that a second service on it
    would start without a word and take half of the calls."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            found = probe.getsockname()
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error}") from error
    return str(found[0]), int(found[1])


def _run(server: Server, player: Callable[[], Any] | None) -> int:
    with TemporaryDirectory(prefix="ledger-metrics-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        playing = player() if player else None
        server.run()
        if playing is None:
            return 0
        playing.join(STOP_SECONDS_MAX)
        return 0 if playing.exitcode is None else int(playing.exitcode)


def _application(state: Any) -> "Flask":
    from web import create_app
    from web.context import context

    app = create_app(is_stopping=lambda: is_stopping(state))
    with app.app_context():
        ledger = context().ledger
    followers = ProjectionRunner(ledger)
    followers.start()
    # A worker leaves without running `atexit`, which is for the main process.
    Finalize(None, followers.stop, exitpriority=2)
    Finalize(None, ledger.close, exitpriority=1)
    return app


def is_stopping(state: Any) -> bool:
    """Whether the service was told to stop."""
    return bool(state.value != _SERVING)


def _begin_worker(state: Any, has_served: Any, build: "Callable[[Any], Flask]") -> "Flask":
    """Build the application in the worker that will serve it, and see to it that it can stop."""
    for one in _STOP_SIGNALS:
        signal.signal(one, signal.SIG_DFL)  # the main process's own handler was inherited
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    is_built = threading.Event()
    threading.Thread(target=_stop_once, args=(is_built,), daemon=True).start()
    threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()
    try:
        app = build(state)
    except LedgerError as error:
        log.error("cannot serve", reason=str(error), code=error.code)
        raise SystemExit(1) from error
    has_served.value = True
    _let_garbage_wait()
    is_built.set()
    return app


def _let_garbage_wait() -> None:
    """Look for cycles seldom, and never among what stays: a call leaves hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_FROM, 20, 20)


def _stop_once(is_built: threading.Event) -> None:
    """Take the first signal and no other.

    A worker is often told twice: by Ctrl-C or systemd, which tell every process, and by the main
    process. The server's own handler deadlocks when the second signal interrupts the first, and
    when it is called before the server listens to it.
    """
    is_built.wait()
    listens_at = time.monotonic() + START_SECONDS
    signal.sigwait(_STOP_SIGNALS)
    time.sleep(max(0.0, listens_at - time.monotonic()))
    handler = signal.getsignal(signal.SIGTERM)
    assert callable(handler), "the server has set its own by now"
    handler(signal.SIGTERM, None)


def _follow_parent(parent: int) -> None:
    """Stop when the main process was killed: an orphan would hold the port for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_demo() -> None:
    from ledger import demo

    os.environ.update(demo.environment(os.environ))


def _let_in(settings: Settings) -> None:
    from ledger import demo

    database = Database(settings.database_url)
    try:
        demo.let_in(database)
    finally:
        database.dispose()


def _player(address: str, port: int, *, once: bool) -> Callable[[], Any]:
    from ledger import demo

    host = f"[{address}]" if ":" in address else address
    return partial(demo.start, f"http://{host}:{port}", once=once)
