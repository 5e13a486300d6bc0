"""Bundles across a handover: one proves it to the old key, and those behind it go by the new."""

import json
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.proof.bundle import bundle_files
from ledger.proof.collect import bundle_of, streams_of
from ledger.proof.handover import handover_bundle
from ledger.proof.signer import LogSigner
from tests.builders import SHOP_ID
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.logged import receive_one, sign
from tests.proof.test_handover import a_key, given


@needs_openssl_and_xxd
def test_a_bundle_proves_the_handover_to_whoever_has_the_old_key(
    logged: Ledger, signer: LogSigner, tmp_path: Path
) -> None:
    following = given(logged, signer, a_key())
    receive_one(logged, 20)
    sign(logged, following)

    with logged.database.connect() as connection:
        files = bundle_files(handover_bundle(connection, a_key().verifier), facts_only=True)

    by_old, by_new = (
        check_files(files, tmp_path, verifier.line)
        for verifier in (signer.verifier, a_key().verifier)
    )
    assert by_old.status == 0, by_old.said
    assert (by_new.status, by_new.files_at_fault) == (1, {"log.vkey"})
    (entry,) = (content for name, content in files.items() if name.endswith(".entry"))
    assert json.loads(entry)["new_key"] == a_key().verifier.line


@needs_openssl_and_xxd
def test_a_bundle_of_a_payment_is_checked_by_the_new_key(
    logged: Ledger, signer: LogSigner, tmp_path: Path
) -> None:
    following = given(logged, signer, a_key())
    receive_one(logged, 20)
    sign(logged, following)
    streams = streams_of(logged, "transaction", SHOP_ID, "test", f"{0:032x}")

    files = bundle_files(bundle_of(logged, "payment", streams), facts_only=False)

    assert check_files(files, tmp_path, a_key().verifier.line).status == 0
    assert check_files(files, tmp_path, signer.verifier.line).files_at_fault == {"log.vkey"}


def test_without_a_handover_there_is_no_bundle_of_one(logged: Ledger) -> None:
    with logged.database.connect() as connection, pytest.raises(NotFoundError):
        handover_bundle(connection, a_key().verifier)
