"""Processes that divide a long work, and end with the one that started them."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.context import BaseContext


def worker_processes(count: int, *, loaded: Sequence[str]) -> ProcessPoolExecutor:
    """So many, which inherit nothing that is open.

    Shape: `loaded` are the modules of the work: one process loads them, of which all workers are
    forks. It is begun with the first workers of this process, and serves later ones as it is.
    """
    return ProcessPoolExecutor(count, mp_context=_context(loaded), initializer=_end_with_parent)


def _context(loaded: Sequence[str]) -> BaseContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(list(loaded))
    try:
        forkserver.ensure_running()
    except OSError:  # it is asked by a socket in a folder for temporary files: no room there
        return get_context("spawn")
    return context


def _end_with_parent() -> None:
    """Let no worker outlive a parent that was killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
