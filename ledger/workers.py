"""Processes that divide a long work, and end with the one that started them."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import sleep


def worker_processes(count: int) -> ProcessPoolExecutor:
    """So many, each begun anew: nothing open is inherited."""
    return ProcessPoolExecutor(
        count,
        mp_context=get_context("spawn"),
        initializer=_end_with_parent,
        initargs=(os.getpid(),),
    )


def _end_with_parent(parent: int) -> None:
    """Let no worker outlive a parent that was killed: it would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
