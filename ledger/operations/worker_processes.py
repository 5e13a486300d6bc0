"""Start processes that divide a long work, and end with the process that started them."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.context import BaseContext


def worker_processes(count: int, *, loaded: Sequence[str]) -> ProcessPoolExecutor:
    """Start worker processes that inherit no open file or connection.

    Shape: `loaded` are the modules of the work: one process loads them, and all workers are forks
    of it. It starts with the first workers of this process, and serves later ones as it is.
    """
    return ProcessPoolExecutor(count, mp_context=_context(loaded), initializer=_end_with_parent)


def _context(loaded: Sequence[str]) -> BaseContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(loaded))
    try:
        forkserver.ensure_running()
    except OSError:  # it listens in a temporary folder, where there may be no room
        return get_context("spawn")
    return context


def _end_with_parent() -> None:
    """End this worker when its parent is killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
