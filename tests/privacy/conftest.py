"""Ledgers whose deliveries can be erased, and what signs their log."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.proof.signer import LogSigner, create_key
from ledger.storage.database import Database
from tests.privacy.erasing import a_paid_ledger


@pytest.fixture
def signer(tmp_path: Path) -> LogSigner:
    create_key(tmp_path / "log-key", "ledger.example.com/shop")
    return LogSigner.open(tmp_path / "log-key")


@pytest.fixture
def paid(database: Database, signer: LogSigner) -> Ledger:
    return a_paid_ledger(database, signer)
