"""Processes that divide a long work, and end with the one that started them."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker_processes(count: int, *, loaded: Sequence[str]) -> ProcessPoolExecutor:
    """So many, which inherit nothing that is open.

    Shape: `loaded` are the modules of the work: one process loads them, of which all others are
    forks. It is begun with the first worker of this process, and serves later ones as it is.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(list(loaded))
    return ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Let no worker outlive a parent that was killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
