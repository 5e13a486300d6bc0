"""What the tests of the log are about: calls that were received, logged and signed."""

from datetime import timedelta

from sqlalchemy import Connection, select, text

from ledger.application import Ledger
from ledger.audit.fault import Fault
from ledger.audit.run_checks import Audit
from ledger.instants import utc_now
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.log import StoredLogEntry, current_log
from ledger.proof.note import Checkpoint
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner
from ledger.storage.database import Database
from ledger.storage.tables import notifications
from tests.builders import NOON, a_form_call, a_ledger, a_rest_call, minutes, receive

CALLS = 6


def a_logged_ledger(database: Database, signer: LogSigner) -> Ledger:
    ledger = a_ledger(database, log_key_file=signer.file)
    for number in range(CALLS):
        receive_one(ledger, number)
    receive_one(ledger, 0)  # a repeat
    receive(ledger, b"junk=1")
    sign(ledger, signer)
    return ledger


def receive_one(ledger: Ledger, number: int) -> None:
    uuid = f"{number:032x}"
    if number % 2:
        receive(ledger, a_rest_call(at=minutes(number), uuid=uuid))
    else:
        own = {"trans_id": f"{900000 + number}", "trans_uuid": uuid}
        receive(ledger, a_form_call(**own, cust_email="jo@example.org"))


def sign(ledger: Ledger, signer: LogSigner) -> str:
    Sequencer(ledger.database, ledger.sealing, clock=lambda: NOON + timedelta(hours=1)).catch_up()
    return sign_checkpoint(ledger.database, signer, utc_now)


def entries(ledger: Ledger) -> list[StoredLogEntry]:
    with ledger.database.connect() as connection:
        log = current_log(connection)
        return log.entries(0, log.size())


def ids_in_order(database: Database) -> list[str]:
    with database.connect() as connection:
        query = select(notifications.c.id).order_by(notifications.c.place)
        return list(connection.scalars(query))


def faults(ledger: Ledger, *kept: Checkpoint) -> list[Fault]:
    return list(Audit(ledger, only=("log",), kept=kept).faults())


def reasons(ledger: Ledger, *kept: Checkpoint) -> set[str]:
    return {fault.reason for fault in faults(ledger, *kept)}


def cut_tail(connection: Connection, count: int) -> None:
    """Remove the newest deliveries with all that came of them, log and checkpoints included."""
    newest = f"(SELECT id FROM notifications ORDER BY place DESC LIMIT {count})"
    for statement in (
        f"DELETE FROM events WHERE origin_id IN {newest}",
        f"DELETE FROM bodies WHERE origin_id IN {newest}",
        f"DELETE FROM log_entries WHERE origin_id IN {newest}",
        "DELETE FROM checkpoints WHERE size > (SELECT count(*) FROM log_entries)",
        f"DELETE FROM notifications WHERE id IN {newest}",
        "UPDATE log_progress SET place = (SELECT max(place) FROM notifications)"
        " WHERE source = 'delivery'",
    ):
        connection.execute(text(statement))
