"""Whatever a hand changes in what has an entry is found."""

from collections.abc import Iterable

import pytest
from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.errors import NotFoundError
from ledger.proof.log import Log
from ledger.proof.note import Checkpoint, parse_checkpoint
from ledger.proof.restart import restart_log
from ledger.proof.signer import LogBehindError, LogForkedError, LogSigner
from ledger.proof.tree import is_consistent
from tests.audit.tampering import Change, damage, reseal
from tests.builders import NOON
from tests.proof.logged import cut_tail, entries, faults, reasons, receive_one, sign

REPEAT = "(SELECT id FROM notifications WHERE outcome = 'repeated')"
DAMAGES: dict[str, tuple[Change, str]] = {
    "a fact": (
        "UPDATE events SET state = (SELECT state FROM events WHERE position = 2)"
        " WHERE position = 1",
        "entry-differs",
    ),
    "a harmless detail": (
        "UPDATE events SET details = NULL WHERE position = 1",
        "entry-differs",
    ),
    "a sealed part": ("UPDATE events SET part = NULL WHERE position = 1", "commitment"),
    "a body": (lambda connection: reseal(connection, lambda body: body + b"&x=1"), "commitment"),
    "a repeat": (f"DELETE FROM notifications WHERE id = {REPEAT}", "entry-extra"),
    "an event": ("DELETE FROM events WHERE position = 3", "entry-differs"),
    "an arrival": (
        "UPDATE notifications SET received_at = recorded_at WHERE place = 1",
        "entry-differs",
    ),
    "an entry": ("UPDATE log_entries SET entry = hash WHERE entry_index = 2", "root-differs"),
    "an entry that is gone": ("DELETE FROM log_entries WHERE entry_index = 2", "entry-missing"),
    "a hash": (
        "UPDATE log_entries SET hash = (SELECT hash FROM log_entries WHERE entry_index = 1)"
        " WHERE entry_index = 2",
        "checkpoint-fork",
    ),
    "a checkpoint": ("UPDATE checkpoints SET note = 'none'", "checkpoint-signature"),
    "a signature": (
        "UPDATE checkpoints SET note = replace(note, '\u2014 ledger', '\u2014 edger')",
        "checkpoint-signature",
    ),
    "a secret": ("DELETE FROM origin_secrets", "secret-missing"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_found(logged: Ledger, name: str) -> None:
    change, reason = DAMAGES[name]

    damage(logged.database, change)

    assert reason in reasons(logged)


def made_anew(connection: Connection) -> None:
    """Change a fact, and have the whole log follow from it."""
    fact = "UPDATE events SET state = (SELECT state FROM events WHERE position = 2)"
    for statement in (
        f"{fact} WHERE position = 1",
        "DELETE FROM log_entries",
        "DELETE FROM log_progress",
        "DELETE FROM checkpoints",
    ):
        connection.execute(text(statement))


def test_a_cut_tail_is_behind_the_memory_and_every_kept_checkpoint(
    logged: Ledger, signer: LogSigner
) -> None:
    kept = parse_checkpoint(str(signer.last_note()))

    damage(logged.database, lambda connection: cut_tail(connection, 3))

    assert reasons(logged) == {"checkpoint-ahead"}
    signer.memory.unlink()
    assert reasons(logged) == set()
    assert reasons(logged, kept) == {"checkpoint-ahead"}


def test_a_history_made_anew_is_another_log(logged: Ledger, signer: LogSigner) -> None:
    kept = parse_checkpoint(str(signer.last_note()))

    damage(logged.database, made_anew)
    with pytest.raises(LogForkedError):
        sign(logged, signer)

    assert "checkpoint-fork" in reasons(logged)
    signer.memory.unlink()
    sign(logged, signer)
    assert reasons(logged, kept) == {"checkpoint-fork"}


def test_a_log_that_has_grown_is_consistent_with_what_was_kept(
    logged: Ledger, signer: LogSigner
) -> None:
    kept = [parse_checkpoint(str(signer.last_note()))]
    for number in range(10, 14):
        receive_one(logged, number)
        kept.append(parse_checkpoint(sign(logged, signer)))

    with logged.database.connect() as connection:
        log = Log(connection, 1)
        for old, new in pairs(kept):
            proof = log.consistency(old.size, new.size)
            assert is_consistent(old.size, old.root, new.size, new.root, proof)
    assert faults(logged, *kept) == []


def pairs(checkpoints: list[Checkpoint]) -> Iterable[tuple[Checkpoint, Checkpoint]]:
    return ((old, new) for new in checkpoints for old in checkpoints if old.size < new.size)


def test_after_a_restore_the_loss_is_declared(logged: Ledger, signer: LogSigner) -> None:
    common = parse_checkpoint(str(signer.last_note())).size
    for number in (20, 21):
        receive_one(logged, number)
    before = parse_checkpoint(sign(logged, signer))
    damage(logged.database, lambda connection: cut_tail(connection, 2))
    with pytest.raises(LogBehindError, match=f"has {common} entries, and {before.size} were"):
        sign(logged, signer)
    for number in range(30, 34):  # as many as were lost, and more
        receive_one(logged, number)
    with pytest.raises(LogForkedError):
        sign(logged, signer)

    renamed, note = restart_log(logged.database, signer, "restored a backup", NOON)

    start = entries(logged)[0]
    assert b'"missing":2' in start.entry
    assert b"restored a backup" in start.entry
    assert parse_checkpoint(note).origin == "ledger.example.com/shop/2"
    assert f'"common_size":{common}'.encode() in start.entry
    receive_one(logged, 40)
    sign(logged, renamed)
    audit = Audit(logged, only=("log",), kept=[before])
    assert list(audit.faults()) == []
    assert audit.remarks["entries that the log declares as lost"] == 2
    with pytest.raises(NotFoundError, match="nothing that was signed is missing"):
        restart_log(logged.database, renamed, "again", NOON)
