"""A ledger that has something to publish, and whoever takes it."""

from collections.abc import Iterator

import pytest

from ledger.application import Ledger
from tests.asking.conftest import certificate, tls
from tests.publishing.receiving import HookServer, receiving
from tests.publishing.sending import Sender

__all__ = ["certificate", "tls"]


@pytest.fixture
def ledger(ledger_of_stories: Ledger) -> Ledger:
    return ledger_of_stories


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with receiving() as server:
        yield server


@pytest.fixture
def sender(ledger: Ledger, hooks: HookServer) -> Sender:
    return Sender(ledger, hooks)
