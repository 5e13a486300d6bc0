"""Start processes that divide a long work, and end with the process that started them."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context, parent_process


def worker_processes(count: int, *, loaded: Sequence[str]) -> ProcessPoolExecutor:
    """Start worker processes that inherit no open file or connection.

    Shape: `loaded` are the modules of the work: one process loads them, and all workers are forks
    of it. It starts with the first workers of this process, and serves later ones as it is.
    """
    method = "forkserver"
    forkserver.set_forkserver_preload(list(loaded))
    try:
        forkserver.ensure_running()
    except OSError:  # it listens in a temporary folder, where there may be no room
        method = "spawn"
    return ProcessPoolExecutor(count, mp_context=get_context(method), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this worker when its parent is killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
