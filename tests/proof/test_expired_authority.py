"""Certificates of authorities end: what was stamped before stays proven, what is after is not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from ledger.application import Ledger
from ledger.proof.bundle import bundle_files
from ledger.proof.signed_log import signed_log
from ledger.proof.stamping import keep_reply, newest_timestamp
from ledger.proof.timestamps import TimestampUnverifiedError, query, verify_token
from tests.proof.bundled import KEY, a_bundle, a_delivery
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.stamping import Authority, an_authority, needs_openssl

CHECKPOINT = KEY.sign(f"{KEY.name}\n7\n{'A' * 43}=\n")
HOUR = timedelta(hours=1)
WHILE_IT_STAMPS = timedelta(seconds=6)


@pytest.fixture
def own_authority(tmp_path: Path) -> Authority:
    """An authority whose certificate a test may let end."""
    return an_authority(tmp_path / "own")


@needs_openssl_and_xxd
def test_a_stamp_is_proven_after_its_certificate_has_ended(
    own_authority: Authority, tmp_path: Path
) -> None:
    end = (datetime.now(UTC) + WHILE_IT_STAMPS).replace(microsecond=0)
    own_authority.certify(end - HOUR, end)
    bundle = a_bundle(a_delivery(1))
    reply = own_authority.reply(query(bundle.checkpoint))
    sleep((end - datetime.now(UTC)).total_seconds() + 1)

    token = verify_token(reply, bundle.checkpoint, own_authority.chain)
    stamped = replace(bundle, stamp=reply, authority=own_authority.chain)
    checked = check_files(bundle_files(stamped, facts_only=False), tmp_path, KEY.verifier.line)

    assert token.at <= end < datetime.now(UTC)
    assert checked.status == 0, checked.said
    assert "ok    timestamp.tsr" in checked.said


@needs_openssl
@pytest.mark.parametrize("begins_in", [-2 * HOUR, HOUR], ids=["ended", "not begun"])
@pytest.mark.parametrize("certificates", [Authority.chain.fget, Authority.root.fget])
def test_a_certificate_out_of_its_time_stamps_nothing(
    own_authority: Authority,
    begins_in: timedelta,
    certificates: Callable[[Authority], bytes],
) -> None:
    begin = datetime.now(UTC) + begins_in
    own_authority.certify(begin, begin + HOUR)
    reply = own_authority.reply(query(CHECKPOINT))

    with pytest.raises(TimestampUnverifiedError, match=r"was not valid at 20.* UTC, when it gave"):
        verify_token(reply, CHECKPOINT, certificates(own_authority))


@needs_openssl
def test_a_stamp_out_of_its_time_is_not_kept(logged: Ledger, own_authority: Authority) -> None:
    own_authority.certify(datetime.now(UTC) - 2 * HOUR, datetime.now(UTC) - HOUR)
    with logged.database.connect() as connection:
        note = signed_log(connection).checkpoint.note
    reply = own_authority.reply(query(note))

    with pytest.raises(TimestampUnverifiedError):
        keep_reply(logged.database, reply, own_authority.chain, datetime.now(UTC))

    with logged.database.connect() as connection:
        assert newest_timestamp(connection) is None
