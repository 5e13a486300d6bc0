"""What `ledger serve` does: make sure that the service can run, then run it."""

import errno
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from tempfile import TemporaryDirectory
from wsgiref.types import WSGIApplication

import click
import structlog

from ledger.alerting.conditions import sources
from ledger.alerting.runner import AlertRunner
from ledger.alerting.sending import channels_of
from ledger.asking.runner import AskingRunner
from ledger.cli.alerts import check_faults
from ledger.cli.hello import Place, say_hello
from ledger.cli.key_files import prepare_keys
from ledger.cli.output import counted
from ledger.cli.shop_findings import ENDED_KEYS, FAULT, WEAK_KEY, Finding, shop_findings
from ledger.drift.follower import DriftIndex
from ledger.errors import SettingsError
from ledger.instants import utc_now
from ledger.operations import logs
from ledger.operations.web_server import STOP_SECONDS_MAX, Build, IsStopping, WebServer
from ledger.operations.wsgi_calls import Bounds
from ledger.privacy.persons import PersonIndex
from ledger.privacy.retention import expire_rows
from ledger.projections.engine.generations import outdated_views
from ledger.projections.engine.leadership import ProjectionRunner, prepare_views
from ledger.proof.log_key import open_signer
from ledger.proof.runner import LogRunner
from ledger.proof.stamping import stamp_daily
from ledger.reconciliation.due_reports import DueReports
from ledger.settings import Settings, read_settings
from ledger.storage.database import Database
from ledger.storage.migrations import is_empty, migrate, revisions
from ledger.storage.read_only import MEANING, read_only_state_of

QUESTION_BYTES_MAX = 64 * 1024
"""Of a body that is no notification; what its address takes may be less."""

NEWER_TABLES = "a newer version has migrated them, and lets this one serve until it is replaced"

log = structlog.get_logger("serve")


def run(
    *,
    host: str,
    port: int,
    workers: int | None,
    threads: int | None,
    drain_seconds: int,
    is_demo: bool,
    once: bool,
    only: str | None,
) -> int:
    """Run the service until it is told to stop; return the exit code. Errors: SettingsError."""
    if is_demo:
        from ledger.cli import demo

        os.environ.update(demo.environment(os.environ))
    settings = read_settings(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    _refuse_faults(settings, is_demo=is_demo)
    _prepare(settings, add_user=demo.add_demo_user if is_demo else None)
    address, port = _free_address(host, port)
    server = WebServer(
        address,
        port,
        workers=workers or (1 if settings.is_sqlite else _cores()),
        bounds=_bounds(settings, threads),
        drain_seconds=drain_seconds,
        may_restart=partial(_may_restart, settings),
    )
    if not is_demo:  # which says what to look at when it has played
        say_hello(settings, os.environ, Place(address, port, only))
    player = partial(demo.start, address, port, once=once) if is_demo else None
    return _run(server, partial(build_application, only=only), player)


def _prepare(settings: Settings, *, add_user: Callable[[Database], object] | None) -> None:
    database = Database(settings.database_url)
    try:
        if state := prepare_database(database):
            log.warning("serving.read_only", database=state, reason=MEANING)
            return
        for made in prepare_keys(settings, database):
            if settings.log_format == "json":
                log.warning("keys.made", keys=made)
            else:
                click.echo(made, err=True)
        if add_user:
            add_user(database)
    finally:
        database.dispose()


def prepare_database(database: Database) -> str | None:
    """Make sure that the durable tables are current; return why they can only be read, if so.

    Errors: SettingsError, unless it is an empty SQLite file, which is simply migrated: on a
    server that others share, migrating is a decision.
    """
    if database.is_sqlite and is_empty(database):
        migrate(database)
    else:
        _refuse_older_tables(database)
    state = read_only_state_of(database)
    if state is None:
        stale = prepare_views(database).stale
    else:  # what is made here is made where it can be written
        with database.connect() as connection:
            stale = outdated_views(connection)
    for name in stale:
        log.warning("view.stale", read_model=name, mend=f"ledger rebuild {name}")
    return state


def _refuse_older_tables(database: Database) -> None:
    known = revisions(database)
    if known.missing:
        reason = f"{counted(len(known.missing), 'migration')} to apply first"
        raise SettingsError(f"{reason}: run `ledger migrate`")
    if known.newer is not None:
        log.warning("tables.newer", revision=known.newer, meaning=NEWER_TABLES)


def _may_restart(settings: Settings) -> bool:
    """Return True if workers could serve with the shops file as it is now; else log why not."""
    faults = [finding for finding in _shop_findings(settings) if finding.state == FAULT]
    for fault in faults:
        log.error("shops_file.not_read", subject=fault.subject, reason=fault.message)
    return not faults


def _shop_findings(settings: Settings) -> list[Finding]:
    return list(shop_findings(settings, os.environ, now=datetime.now(UTC)))


def _refuse_faults(settings: Settings, *, is_demo: bool) -> None:
    """Print each fault of the shops and their keys, and exit if there is one; log weak keys.

    Keys that have all ended are none: what they refuse is kept until there is another one.
    """
    findings = _shop_findings(settings)
    weak_keys = [finding.message for finding in findings if finding.subject == WEAK_KEY]
    if weak_keys and not is_demo:  # its keys are synthetic, and one shop shows what SHA-1 sends
        log.warning("keys.weak", keys=weak_keys)
    faults = [
        finding for finding in findings if finding.state == FAULT and finding.subject != ENDED_KEYS
    ]
    for fault in faults:
        click.echo(f"error: {fault.subject}: {fault.message}", err=True)
    if faults:
        raise SystemExit(2)


def _bounds(settings: Settings, threads: int | None) -> Bounds:
    return Bounds(
        threads or min(8, 2 * _cores() + 1),
        body_bytes_max=max(settings.body_bytes_max, QUESTION_BYTES_MAX),
        reserved_paths=("/ipn",),
        constant_paths=("/healthz",),
        spare_paths=("/readyz", "/readyz/pages"),
    )


def _free_address(host: str, port: int) -> tuple[str, int]:
    """Claim an address for an instant: workers share theirs, so that a second service on it
    would start without a word and take half of the calls."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            host_address, free_port, *_ = probe.getsockname()
    except OSError as error:
        reason = f"cannot listen on {host}:{port}: {error.strerror}"
        raise SettingsError(f"{reason}; {_remedy(error, port)}") from error
    return str(host_address), int(free_port)


def _remedy(os_error: OSError, port: int) -> str:
    if os_error.errno == errno.EADDRINUSE:
        return f"another process listens there: try --port {port + 1 if port < 65535 else 0}"
    if os_error.errno == errno.EACCES:
        return "ports below 1024 need more rights: try --port 8000"
    return "try another --host or --port"


def _run(server: WebServer, build: Build, start_player: Callable[[], BaseProcess] | None) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump of the memory would hold keys
    with TemporaryDirectory(prefix="ledger-metrics-") as directory:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        player = start_player() if start_player else None
        server.run(build)
        if player is None:
            return 0
        player.join(STOP_SECONDS_MAX)
        is_interrupted = player.exitcode == -signal.SIGINT  # Ctrl-C reaches both processes
        return 0 if is_interrupted else player.exitcode or 0


def build_application(is_stopping: IsStopping, *, only: str | None = None) -> WSGIApplication:
    """Open the ledger of one worker and let it follow the events beside the calls.

    One that only receives leaves following to those that are read.
    """
    from web import create_app
    from web.context import context

    app = create_app(is_stopping=is_stopping, only=only)
    with app.app_context():
        ledger, metrics = context().ledger, context().metrics
    # A worker leaves without running `atexit`, which is for the main process.
    if only != "receiver":
        followers = ProjectionRunner(ledger)
        followers.start()
        Finalize(None, followers.stop, exitpriority=2)
        signer = open_signer(ledger.settings, ledger.database)
        hourly = (
            lambda: expire_rows(ledger, utc_now()),
            lambda: stamp_daily(ledger.database, ledger.settings, utc_now()),
        )
        followed = [PersonIndex(ledger).follow, DriftIndex(ledger).follow]
        followed += [DueReports(ledger).follow]
        log_runner = LogRunner(ledger, signer, followers=followed, hourly=hourly)
        log_runner.start()
        Finalize(None, log_runner.stop, exitpriority=2)
        alerts = AlertRunner(
            ledger.database,
            sources(ledger, check_faults),
            channels_of(ledger.settings),
            failed=metrics.alert_failed,
        )
        alerts.start()
        Finalize(None, alerts.stop, exitpriority=2)
        asking = AskingRunner(ledger)
        asking.start()
        Finalize(None, asking.stop, exitpriority=2)
    Finalize(None, ledger.close, exitpriority=1)
    return app


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
