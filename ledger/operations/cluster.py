"""Have a divided work done by the workers of a Dask cluster, each in its own environment."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from ledger.errors import MissingExtraError, SettingsError, UnavailableError
from ledger.operations.worker_processes import proven

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

CONNECT_SECONDS = 15
CLOSE_SECONDS = 2
SCHEMES = ("tcp", "tls")


@contextmanager
def cluster_workers(address: str) -> Iterator[Executor]:
    """Connect to a scheduler; what is submitted is done by its workers.

    Shape: `tcp://HOST:8786`, or `tls://HOST:8786` with the certificates of Dask's own settings.
    Errors: SettingsError for another address; MissingExtraError without the library;
    UnavailableError where no scheduler answers or it has no worker. By each task: BrokenExecutor
    when its workers or the scheduler are lost; CodeDiffersError where a worker runs other code.
    """
    if urlsplit(address).scheme not in SCHEMES:
        raise SettingsError("give the address of a scheduler such as tcp://HOST:8786")
    try:
        from distributed import Client
    except ImportError as error:
        message = "--scheduler needs a library that is not installed: pip install 'distributed'"
        raise MissingExtraError(message) from error
    # a lost scheduler is said once, in our words
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise UnavailableError(f"no scheduler answers at {address}") from error
    try:
        if not client.nthreads():
            raise UnavailableError(f"the scheduler at {address} has no worker")
        yield _Cluster(client.get_executor(pure=False))
    finally:
        client.close(timeout=CLOSE_SECONDS)


class _Cluster(Executor):
    """Workers elsewhere, who do nothing before they have proven their code."""

    def __init__(self, cluster: Executor) -> None:
        self._cluster = cluster

    def submit(
        self, task: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        awaited: Future[_Result] = Future()
        submitted = self._cluster.submit(proven(task), *args, **kwargs)
        submitted.add_done_callback(partial(_answer, awaited))
        awaited.add_done_callback(partial(_withdraw, submitted))
        return awaited


def _withdraw(submitted: Future[Any], awaited: Future[Any]) -> None:
    if awaited.cancelled():
        submitted.cancel()


def _answer(awaited: Future[Any], submitted: Future[Any]) -> None:
    """Pass on what came of a task; that nobody can say so is said as a broken pool says it."""
    if not awaited.set_running_or_notify_cancel():
        return
    try:
        awaited.set_result(submitted.result())
    except BaseException as error:  # noqa: BLE001  whatever it is, whoever waits is told
        awaited.set_exception(BrokenExecutor(str(error)) if _is_loss(error) else error)


def _is_loss(error: BaseException) -> bool:
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    return isinstance(error, CancelledError | KilledWorker | CommClosedError | TimeoutError)
