"""Ledgers with a log that is signed, and bundles with a time stamp."""

from dataclasses import replace

import pytest

from ledger.application import Ledger
from ledger.proof.bundle import Bundle
from ledger.proof.signer import LogSigner
from ledger.proof.timestamps import query
from ledger.storage.database import Database
from tests.proof.bundled import a_bundle, a_delivery
from tests.proof.logged import a_logged_ledger
from tests.proof.stamping import Authority, an_authority


@pytest.fixture
def logged(database: Database, signer: LogSigner) -> Ledger:
    """A ledger that has received payments, refusals and repeats, all of it in its signed log."""
    return a_logged_ledger(database, signer)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A time stamp authority of our own."""
    return an_authority(tmp_path_factory.mktemp("authorities") / "one")


@pytest.fixture(scope="module")
def stamped(authority: Authority) -> Bundle:
    """A bundle with a time stamp, of which an event is left out."""
    bundle = a_bundle(a_delivery(1), replace(a_delivery(2), bundled_events=()))
    reply = authority.reply(query(bundle.checkpoint))
    return replace(bundle, stamp=reply, authority=authority.chain)
