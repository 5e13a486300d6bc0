"""Start processes that divide a long work, run the same code, and end with who started them."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import forkserver, get_context, parent_process
from pathlib import Path
from typing import ParamSpec, TypeVar

from ledger.errors import CodeDiffersError, SettingsError

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_PACKAGE = Path(__file__).resolve().parents[1]


def _digest_of_package() -> str:
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(f"{path.relative_to(_PACKAGE)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


_CODE = _digest_of_package()  # now, while the files are those that were imported


def worker_processes(count: int, *, loaded: Sequence[str]) -> ProcessPoolExecutor:
    """Start worker processes that inherit no open file or connection.

    Shape: `loaded` are the modules of the work: one process loads them, and all workers are forks
    of it. It starts with the first workers of this process, and serves later ones as it is.
    Errors: CodeDiffersError, by each task, where a worker runs other code than this process.
    """
    method = "forkserver"
    forkserver.set_forkserver_preload(list(loaded))
    with safe_path():
        try:
            forkserver.ensure_running()
        except OSError:  # it listens in a temporary folder, where there may be no room
            method = "spawn"
        return _Workers(count, mp_context=get_context(method), initializer=_end_with_parent)


@contextmanager
def safe_path() -> Iterator[None]:
    """Let the processes that start meanwhile look for code where this one does, and nowhere else.

    Python puts the current folder before all others for them, and until 3.12.8 forgets the path of
    this process where it loads modules before a fork. Errors: SettingsError.
    Source: CPython's issues 117378 and 157916.
    """
    if sys.flags.ignore_environment and not sys.flags.safe_path:
        raise SettingsError("processes cannot be started safely under Python's -E: give it -P too")
    folders = [folder for folder in sys.path if folder and os.pathsep not in folder]
    own = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(folders)}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Workers(ProcessPoolExecutor):
    """Workers that start on a safe path, and do nothing before they have proven their code."""

    def submit(
        self, task: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        with safe_path():  # the first task starts the processes
            return super().submit(proven(task), *args, **kwargs)


def proven(task: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a task that is done only where the code is that of this process, else refused.

    Errors: CodeDiffersError.
    """
    return partial(_run_same_code, _CODE, str(_PACKAGE), task)


def _run_same_code(
    code: str, package: str, task: Callable[..., _Result], *args: object, **kwargs: object
) -> _Result:
    if code != _CODE:
        raise CodeDiffersError(
            f"a worker process has loaded other code, from {_PACKAGE}, than the process that"
            f" started it, from {package}: was it replaced meanwhile? Start the command again"
        )
    return task(*args, **kwargs)


def _end_with_parent() -> None:
    """End this worker when its parent is killed: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
