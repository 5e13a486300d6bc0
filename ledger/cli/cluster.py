"""Lends the workers of a cluster to the commands that divide their work."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import click

from ledger.application import Ledger


@contextmanager
def lent_workers(ledger: Ledger, scheduler: str | None) -> Iterator[Executor | None]:
    """Connect to the scheduler that is named; None where none is.

    Errors: UsageError on SQLite, whose file only this machine reaches.
    """
    if scheduler is None:
        yield None
        return
    if ledger.database.is_sqlite:
        raise click.UsageError(
            "--scheduler needs a ledger on PostgreSQL: an SQLite file is reached from one machine,"
            " and written by one process"
        )
    from ledger.operations.cluster import cluster_workers

    with cluster_workers(scheduler) as workers:
        yield workers
