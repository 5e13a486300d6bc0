"""A ledger that has both sides of a day."""

import pytest

from ledger.application import Ledger
from ledger.storage.database import Database
from tests.reconciliation.comparing import a_journal, a_ledger_of_the_day, import_journal


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger that was told of a day with gaps, and has the platform's file of it."""
    ledger = a_ledger_of_the_day(database)
    import_journal(ledger, a_journal())
    return ledger
