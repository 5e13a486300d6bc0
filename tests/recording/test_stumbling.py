"""A fault at each function between verification and commit, in turn: nothing verified is lost."""

from collections.abc import Callable
from types import CodeType

import pytest

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.errors import UnavailableError
from ledger.ipn import parse
from ledger.queries.readable import find_delivery
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from tests.builders import a_delivery, a_form, a_ledger, an_answer, form_body, rest_body
from tests.recording.stumbling import STUMBLED, functions_between, stumbling

Make = Callable[[int, str], bytes]


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def a_uuid(number: int) -> str:
    return f"{number:032x}"


def a_form_about(number: int, status: str) -> bytes:
    return form_body(a_form(vads_trans_uuid=a_uuid(number), vads_trans_status=status))


def an_answer_about(number: int, status: str) -> bytes:
    return rest_body(an_answer(uuid=a_uuid(number), detailedStatus=status))


def row_of(ledger: Ledger, id_: str) -> InboxRecord:
    row = find_delivery(ledger, id_)
    assert row is not None
    return row


def keeping_functions(ledger: Ledger) -> set[CodeType]:
    """What keeping undecided itself needs: the frame around the rest, and the database's few."""
    delivery = a_delivery(a_form_about(1, "AUTHORISED"))
    understand = parse.understand
    with stumbling(understand.__code__):
        return set(functions_between(parse.verify.__code__, lambda: ledger.receive(delivery)))


@pytest.mark.parametrize("make", [a_form_about, an_answer_about], ids=["form", "rest"])
def test_a_fault_at_any_function_after_the_verification_loses_nothing(
    ledger: Ledger, make: Make
) -> None:
    needed = keeping_functions(ledger)
    ledger.receive(a_delivery(make(2, "AUTHORISED")))
    second = a_delivery(make(2, "CAPTURED"))
    functions = functions_between(parse.verify.__code__, lambda: ledger.receive(second))
    assert len(functions) > 80, "the profiler has seen next to nothing"
    undecided = 0
    for number, function in enumerate(functions, start=10):
        ledger.receive(a_delivery(make(number, "AUTHORISED")))
        delivery = a_delivery(make(number, "CAPTURED"))
        try:
            with stumbling(function):
                receipt = ledger.receive(delivery)
        except (STUMBLED, UnavailableError):
            assert function in needed, f"lost by a fault in {function.co_qualname}"
            continue
        assert row_of(ledger, receipt.id).body == delivery.body
        if receipt.outcome == Outcome.UNDECIDED:
            undecided += 1
            assert ledger.readmit(receipt.id).outcome == Outcome.RECORDED, function.co_qualname
    assert undecided > 60
    assert [*Audit(ledger).faults()] == []


def test_only_the_database_itself_can_make_a_verified_notification_fail(ledger: Ledger) -> None:
    rooms = {code.co_filename.partition("/ledger/")[2] for code in keeping_functions(ledger)}

    assert rooms <= {
        "ipn/apparent_names.py",
        "ipn/content_tags.py",
        "ipn/delivery.py",
        "ipn/parse.py",
        "ipn/signature.py",
        "recording/attempts.py",
        "recording/record.py",
        "recording/retries.py",
        "recording/undecided.py",
        "application.py",
        "operations/logs.py",  # where an earlier test has set it up
        "instants.py",
        "storage/database.py",
        "storage/database_errors.py",
        "storage/prepared.py",
        "storage/sqlite_connections.py",
        "storage/columns.py",
        "storage/compression.py",
        "storage/read_only_sessions.py",
        "storage/quarantine.py",
        "storage/sealed_rows.py",
        "sealing/frames.py",
        "sealing/keys.py",
        "sealing/master_keys.py",
        "sealing/origin_secret.py",
        "sealing/sealing.py",
    }
