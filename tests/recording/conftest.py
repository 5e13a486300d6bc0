"""A ledger that is looked at after each test: its read models are right, and its audit is clean."""

from collections.abc import Iterator

import pytest

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.storage.database import Database
from tests.builders import a_ledger
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, follow


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    ledger = a_ledger(database)
    yield ledger
    follow(ledger)
    assert all_rows(ledger) == expected(ledger)
    assert list(Audit(ledger).faults()) == []
