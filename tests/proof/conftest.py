"""Ledgers with a log that is signed."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.proof.signer import LogSigner, create_key
from ledger.storage.database import Database
from tests.proof.logged import a_logged_ledger


@pytest.fixture
def signer(tmp_path: Path) -> LogSigner:
    create_key(tmp_path / "log-key", "ledger.example.com/shop")
    return LogSigner.open(tmp_path / "log-key")


@pytest.fixture
def logged(database: Database, signer: LogSigner) -> Ledger:
    """A ledger that has received payments, refusals and repeats, all of it in its signed log."""
    return a_logged_ledger(database, signer)
