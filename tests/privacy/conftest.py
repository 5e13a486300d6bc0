"""Ledgers whose deliveries can be erased, and what signs their log."""

import pytest

from ledger.application import Ledger
from ledger.proof.signer import LogSigner
from ledger.storage.database import Database
from tests.privacy.erasing import a_paid_ledger


@pytest.fixture
def paid(database: Database, signer: LogSigner) -> Ledger:
    return a_paid_ledger(database, signer)
