"""A database of PostgreSQL alone, for what SQLite has no need of."""

from collections.abc import Iterator

import pytest

from ledger.storage.database import Database


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()
