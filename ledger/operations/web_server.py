"""Serve a WSGI application from worker processes, replace those that die, and stop in order.

Granian does the serving; only what it documents is used: its options, the hook before its workers
start, and the handler of signals that it installs in each process. That of the main process
deadlocks when a second signal interrupts it. So the signals that stop a service are blocked in
every process, and in each a thread takes them one by one and hands on the first. The main process
takes SIGHUP in the same way, which starts the workers anew one by one.
"""

import gc
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from ctypes import c_bool
from functools import partial
from multiprocessing.sharedctypes import RawValue
from wsgiref.types import WSGIApplication

import structlog
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from ledger.errors import LedgerError
from ledger.operations.own_sockets import end_unread_connections
from ledger.operations.wsgi_calls import Bounds, WsgiCalls

log = structlog.get_logger("serve")

STOP_SECONDS_MAX = 30
START_SECONDS = 1.0
"""From an application that is built to a server that listens to its signals: some milliseconds."""
LISTEN_SECONDS_MAX = 60
HEADER_SECONDS_MAX = 10
HEADER_BYTES_MAX = 64 * 1024
UNREAD_SECONDS_MAX = 30
"""For a connection whose client takes nothing of its answer."""
GARBAGE_FROM = 20_000
"""Objects; a call makes some thousands, which go by themselves."""

_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_SIGNALS = {*_STOP_SIGNALS, signal.SIGHUP}
_LIBRARY_LOGS = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}

IsStopping = Callable[[], bool]
Build = Callable[[IsStopping], WSGIApplication]
"""Makes the application of a worker, which may ask whether the worker has to stop."""


class WebServer:
    """One address, and the worker processes that answer there.

    On SIGHUP the workers are started anew, unless `may_restart` says no.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        workers: int,
        bounds: Bounds,
        drain_seconds: int = 0,
        may_restart: Callable[[], bool] = lambda: True,
    ) -> None:
        self._port = port
        self._may_restart = may_restart
        self._bounds = bounds
        self._new_server = partial(
            Granian,
            "ledger",  # a name for the log: the applications come from the loader
            address=address,
            port=port,
            workers=workers,
            interface=Interfaces.ASGINL,  # nothing is to be told of its start and its end
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_SECONDS_MAX * 1000, max_buffer_size=HEADER_BYTES_MAX
            ),
            websockets=False,
            log_dictconfig=_LIBRARY_LOGS,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS_MAX,
        )
        self._drain_seconds = drain_seconds
        self._is_stopping = RawValue(c_bool, False)  # the workers look at it
        self._has_served = RawValue(c_bool, False)  # they write it

    def run(self, build: Build) -> None:
        """Serve until SIGTERM or SIGINT. Errors: SystemExit when no worker ever comes to serve.

        Granian gives up when one worker dies twice within seconds, as it may for lack of memory.
        If any worker has ever served, a new Granian takes over.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # the workers inherit it
        threading.Thread(target=self._pass_signals_on, daemon=True).start()
        load = partial(
            _start_worker, self._is_stopping, self._has_served, build, self._bounds, self._port
        )
        while not self._is_stopping.value:
            server = self._new_server()
            server.on_startup(self._repeat_a_stop)
            try:
                server.serve(target_loader=load, wrap_loader=False)
            except SystemExit:
                if not self._is_stopping.value and not self._has_served.value:
                    raise

    def _repeat_a_stop(self) -> None:
        """Tell a server that has just installed its handler what was meant for the one before."""
        if self._is_stopping.value:
            os.kill(os.getpid(), signal.SIGTERM)

    def _pass_signals_on(self) -> None:
        """Take each signal of the main process; let the load balancer look away before one."""
        while True:
            received = signal.sigwait(_SIGNALS)
            if received == signal.SIGHUP:
                if not self._is_stopping.value and self._may_restart():
                    _call_handler(signal.SIGHUP)
                continue
            if received == signal.SIGTERM and not self._is_stopping.value and self._drain_seconds:
                self._is_stopping.value = True
                signal.sigtimedwait(_STOP_SIGNALS, self._drain_seconds)
            self._is_stopping.value = True
            _call_handler(signal.SIGTERM)


def _call_handler(received: signal.Signals) -> None:
    handler = signal.getsignal(received)
    if callable(handler):  # the server has set its own
        handler(received, None)


def _start_worker(
    is_stopping: c_bool, has_served: c_bool, build: Build, bounds: Bounds, port: int
) -> WsgiCalls:
    """Build the application in the process that will serve it, and see to it that it can stop."""
    listens_at = math.inf
    was_told = threading.Event()

    def stop_at_first_signal() -> None:
        """Take the first signal and no other: Ctrl-C, systemd and the main process all send one."""
        signal.sigwait(_STOP_SIGNALS)
        if listens_at == math.inf:
            os._exit(0)  # it is still starting, and has taken no call
        was_told.set()
        time.sleep(max(0.0, listens_at - time.monotonic()))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # in this thread alone
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=stop_at_first_signal, daemon=True).start()
    threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()
    threading.Thread(target=_end_unread_connections, args=(port,), daemon=True).start()
    try:
        application = build(lambda: bool(is_stopping.value) or was_told.is_set())
    except LedgerError as error:
        log.error("serving.impossible", reason=str(error), code=error.code)
        raise SystemExit(1) from error
    has_served.value = True
    gc.collect()
    gc.freeze()  # look for cycles seldom, and never among what stays: a call leaves hardly any
    gc.set_threshold(GARBAGE_FROM, 20, 20)
    listens_at = time.monotonic() + START_SECONDS
    return WsgiCalls(application, bounds)


def _end_unread_connections(port: int) -> None:
    """Wait until the server listens; from then on nobody holds a connection without reading."""
    until = time.monotonic() + LISTEN_SECONDS_MAX
    while not end_unread_connections(port, after_seconds=UNREAD_SECONDS_MAX):
        if time.monotonic() > until:
            log.warning("client.cannot_be_ended")
            return
        time.sleep(0.1)


def _follow_parent(parent: int) -> None:
    """Stop when the main process was killed: an orphan would hold the port for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
