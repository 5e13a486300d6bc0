"""A log hands over to another key by an entry that the old key signs, and in no other way."""

import json

import pytest
from sqlalchemy.exc import DBAPIError

from ledger.application import Ledger
from ledger.errors import NotFoundError, SettingsError
from ledger.proof.entry import HANDOVER
from ledger.proof.handover import hand_over, stored_handovers
from ledger.proof.log import LogEntry, current_log, newest_checkpoint
from ledger.proof.note import SigningKey, VerifierKey, parse_checkpoint
from ledger.proof.restart import restart_log
from ledger.proof.runner import LogRunner
from ledger.proof.signer import (
    LogForgottenError,
    LogKeyReplacedError,
    LogSigner,
    memory_of,
    replace_key,
)
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.builders import NOON, a_ledger
from tests.faults.injecting import AFTER, BEFORE, FAULTS, Step, Trap
from tests.proof.logged import cut_tail, entries, faults, receive_one, sign

ORIGIN = "ledger.example.com/shop"


def a_key(number: int = 1, name: str = ORIGIN) -> SigningKey:
    return SigningKey(name, bytes([number]) * 32)


def given(ledger: Ledger, signer: LogSigner, new_key: SigningKey) -> LogSigner:
    return hand_over(ledger.database, ledger.sealing, signer, new_key, lambda: NOON)


def newest_key(ledger: Ledger) -> str:
    with ledger.database.connect() as connection:
        log = current_log(connection)
        checkpoint = newest_checkpoint(connection, log.number)
    assert checkpoint is not None
    assert VerifierKey.parse(checkpoint.public_key).is_signed(checkpoint.note)
    return checkpoint.public_key


def test_another_key_signs_from_then_on(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())

    last = entries(logged)[-1]
    fields = json.loads(last.entry)
    assert (last.kind, last.origin_id) == (HANDOVER, fields["id"])
    assert (fields["old_key"], fields["new_key"]) == (signer.verifier.line, a_key().verifier.line)
    assert newest_key(logged) == signer.verifier.line
    assert LogSigner.open(signer.file) == following
    assert following.earlier == (signer.verifier,)
    receive_one(logged, 20)
    note = sign(logged, following)
    assert a_key().verifier.is_signed(note)
    assert newest_key(logged) == a_key().verifier.line
    assert faults(logged) == []


def test_keys_hand_over_one_after_the_other(logged: Ledger, signer: LogSigner) -> None:
    holder = signer
    for number in range(1, 4):
        holder = given(logged, holder, a_key(number))
        receive_one(logged, 20 + number)
        sign(logged, holder)

    assert [key.name for key in holder.earlier] == [ORIGIN] * 3
    assert faults(logged) == []


def test_a_key_that_has_signed_nothing_may_hand_over(logged: Ledger, signer: LogSigner) -> None:
    given(logged, given(logged, signer, a_key(1)), a_key(2))

    assert faults(logged) == []


def test_the_same_handover_is_done_once(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())

    assert given(logged, following, a_key()) == following
    assert [entry.kind for entry in entries(logged)].count(HANDOVER) == 1


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("step", ["INSERT INTO log_entries", "INSERT INTO checkpoints"])
def test_what_was_cut_off_is_finished(
    logged: Ledger, signer: LogSigner, step: str, when: str
) -> None:
    with Trap(Step(step), when, FAULTS["disk full"]) as trap, pytest.raises(DBAPIError):
        given(logged, signer, a_key())
    assert trap.is_sprung
    assert LogSigner.open(signer.file).verifier == signer.verifier
    receive_one(logged, 20)
    sign(logged, signer)

    given(logged, signer, a_key())

    assert [entry.kind for entry in entries(logged)].count(HANDOVER) == 1
    assert LogSigner.open(signer.file).verifier == a_key().verifier
    assert faults(logged) == []


def test_a_key_that_cannot_follow_is_refused(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())

    with pytest.raises(SettingsError, match="has signed this log before"):
        given(logged, following, signer.signing_key)
    with pytest.raises(SettingsError, match="is of the log other, and this one is"):
        given(logged, following, a_key(2, "other"))
    assert LogSigner.open(signer.file) == following


def test_the_key_at_hand_is_no_other_one(logged: Ledger, signer: LogSigner) -> None:
    with pytest.raises(SettingsError, match="the log's own already"):
        given(logged, signer, signer.signing_key)


def test_before_anything_is_logged_there_is_nothing_to_hand_over(
    database: Database, signer: LogSigner
) -> None:
    ledger = a_ledger(database, log_key_file=signer.file)

    with pytest.raises(NotFoundError):
        given(ledger, signer, a_key())
    assert LogSigner.open(signer.file) == signer


# -- what is no handover ----------------------------------------------------------------------


def put_key(signer: LogSigner, signing_key: SigningKey) -> LogSigner:
    """Put another key into the file, and let it remember nothing, as a thief of the disk would."""
    signer.file.write_text(f"{signing_key.line}\n")
    memory_of(signer.file).unlink()
    return LogSigner.open(signer.file)


def assert_named(ledger: Ledger) -> None:
    assert {fault.reason for fault in faults(ledger)} == {"checkpoint-signature"}


def test_two_keys_without_a_handover_are_a_fault(logged: Ledger, signer: LogSigner) -> None:
    other = put_key(signer, a_key())
    receive_one(logged, 20)
    sign(logged, other)

    assert_named(logged)


def test_a_key_that_was_only_written_below_is_a_fault(logged: Ledger, signer: LogSigner) -> None:
    following = replace_key(signer, a_key())
    receive_one(logged, 20)
    sign(logged, following)

    assert_named(logged)


def test_a_handover_that_the_old_key_did_not_sign_is_a_fault(
    logged: Ledger, signer: LogSigner
) -> None:
    claim = {"id": "01H", "old_key": signer.verifier.line, "new_key": a_key().verifier.line}
    entry = json.dumps({"kind": HANDOVER, **claim, "v": 1}).encode()
    with logged.database.begin() as connection:
        current_log(connection).append([LogEntry(HANDOVER, "01H", entry)])

    sign(logged, put_key(signer, a_key()))

    assert len(stored_handovers(logged.database)) == 1
    assert_named(logged)


def test_the_old_key_signs_nothing_behind_the_new_one(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())
    receive_one(logged, 20)
    sign(logged, following)
    receive_one(logged, 21)
    sign(logged, put_key(following, signer.signing_key))
    signer.file.write_text(following.text)
    memory_of(signer.file).unlink()

    assert_named(logged)


def test_a_handover_to_one_key_is_none_to_another(logged: Ledger, signer: LogSigner) -> None:
    given(logged, signer, a_key(1))
    receive_one(logged, 20)

    sign(logged, put_key(signer, a_key(2)))

    assert_named(logged)


# -- the signer -------------------------------------------------------------------------------


def test_whoever_still_holds_the_old_key_signs_nothing(logged: Ledger, signer: LogSigner) -> None:
    given(logged, signer, a_key())
    receive_one(logged, 20)

    with pytest.raises(LogKeyReplacedError, match="was replaced meanwhile"):
        sign(logged, signer)
    with pytest.raises(LogKeyReplacedError):
        replace_key(signer, a_key(2))


def test_a_running_service_goes_on_with_the_new_key(logged: Ledger, signer: LogSigner) -> None:
    runner = LogRunner(logged, signer)
    given(logged, signer, a_key())
    receive_one(logged, 20)

    runner.run_once(must_sign=True)

    assert newest_key(logged) == a_key().verifier.line


def test_a_new_key_without_the_memory_signs_nothing(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())
    memory_of(signer.file).unlink()

    with pytest.raises(LogForgottenError):
        sign(logged, following)


def test_a_checkpoint_is_stored_with_the_key_that_signed_it(
    logged: Ledger, signer: LogSigner
) -> None:
    """Also when the old key's process was killed between its memory and the database."""
    given(logged, signer, a_key())
    receive_one(logged, 20)
    signer.file.write_text(signer.text)
    with (
        Trap(Step("INSERT INTO checkpoints"), BEFORE, FAULTS["disk full"]),
        pytest.raises(DBAPIError),
    ):
        sign(logged, signer)
    following = replace_key(signer, a_key())

    sign(logged, following)

    assert newest_key(logged) == signer.verifier.line
    assert faults(logged) == []


def test_after_a_restart_the_new_key_goes_on(logged: Ledger, signer: LogSigner) -> None:
    following = given(logged, signer, a_key())
    for number in (20, 21):
        receive_one(logged, number)
    sign(logged, following)
    damage(logged.database, lambda connection: cut_tail(connection, 2))

    renamed, note = restart_log(logged.database, following, "restored a backup", NOON)

    assert parse_checkpoint(note).origin == f"{ORIGIN}/2"
    assert renamed.earlier == (signer.verifier,)
    assert LogSigner.open(signer.file) == renamed
    assert faults(logged) == []
    given(logged, renamed, a_key(3, f"{ORIGIN}/2"))
    receive_one(logged, 20)
    sign(logged, LogSigner.open(signer.file))
    assert faults(logged) == []
