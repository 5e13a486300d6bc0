"""A shop with a day of payments, its journal, and what both make of each other."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from ulid import ULID

from ledger.application import Ledger
from ledger.reconciliation.files import Import, import_file
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope, StoredReport
from ledger.storage.database import Database
from tests.builders import SHOP_ID, a_form_call, a_ledger, receive

NOW = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
DAY = date(2026, 3, 10)
NAME = "TEST_JT_BOUTIQUE_12345678_260310.csv"

TITLE = "TITRE;BOUTIQUE;26/03/11_02:04:00;TABLE_V_CUSTOM;"
LABELS = (
    "ENTETE;TRANSACTION_ID;CONTRACT;TRANSACTION_TYPE;ORIGIN_AMOUNT;AMOUNT;CURRENCY_CODE;"
    "PAYMENT_DATE;PAYMENT_TIME;ORDER_ID;TRANSACTION_STATUS;"
)
ROWS = (
    "TRANSACTION;410001;1234567;DEBIT;2990;2990;978;20260310;091504;CMD-1;CAPTURED;",
    "TRANSACTION;410002;1234567;DEBIT;5000;4500;978;20260310;101010;CMD-2;AUTHORISED;",
    "TRANSACTION;410003;1234567;DEBIT;1200;1200;978;20260310;111111;CMD-3;REFUSED;",
    "TRANSACTION;410003;1234567;DEBIT;1200;1200;978;20260310;111540;CMD-3;AUTHORISED;",
    "TRANSACTION;900004;1234567;CREDIT;2990;2990;978;20260310;150000;CMD-1;CAPTURED;",
)


def a_ledger_of_the_day(database: Database) -> Ledger:
    """A ledger that was told of a day on that day."""
    ledger = a_ledger(database, since=datetime(2026, 3, 10, 16, tzinfo=UTC))
    receive_the_day(ledger)
    return ledger


def a_journal(*detail_lines: str) -> bytes:
    """A transactions journal of the day, with these rows."""
    return "\r".join((TITLE, LABELS, *(detail_lines or ROWS), "")).encode()


def chunks_of(content: bytes) -> Callable[[], Iterator[bytes]]:
    """What yields a file, whenever it is called."""
    return lambda: iter([content])


def import_journal(ledger: Ledger, content: bytes, name: str = NAME, **options: Any) -> Import:
    """The file, kept."""
    options = {"by_whom": "jo", "now": NOW} | options
    return import_file(ledger, chunks_of(content), name, **options)


def report_of_day(
    ledger: Ledger, first_day: date = DAY, last_day: date | None = None
) -> StoredReport:
    """What the files and the ledger make of each other."""
    return make_report(ledger, Scope(SHOP_ID, "TEST", first_day, last_day or first_day), NOW)


def a_payment(number: str, moment: str, **fields: str | None) -> bytes:
    """A call about one payment of the day. Shape: `moment` as `091504`."""
    uuid = f"{int(number):032x}"
    defaults: dict[str, str | None] = {
        "trans_uuid": uuid,
        "trans_id": number,
        "trans_date": f"20260310{moment}",
        "effective_creation_date": f"20260310{moment}",
        "capture_delay": "0",
    }
    return a_form_call(**(defaults | fields))


def receive_the_day(ledger: Ledger) -> None:
    """What the shop was told of the day: one payment is behind in status, one in amount."""
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1"))
    receive(ledger, a_payment("410002", "101010", order_id="CMD-2", **money(5000)))
    receive(ledger, a_payment("410003", "111540", order_id="CMD-3", **money(1200)))
    receive(ledger, a_payment("410009", "120000", order_id="CMD-9", **money(999)))
    next_day = {"effective_creation_date": "20260311000500", "trans_date": "20260311000500"}
    receive(ledger, a_payment("410010", "000500", order_id="CMD-10", **money(700), **next_day))


def money(amount_minor: int) -> dict[str, str]:
    """The fields of an amount."""
    return {"amount": str(amount_minor), "effective_amount": str(amount_minor)}


def words_of(report: StoredReport) -> dict[str, Sequence[str]]:
    """The short numbers by what came of them."""
    numbers_by_word: dict[str, list[str]] = {}
    for finding in report.content()["findings"]:
        numbers_by_word.setdefault(finding["result"], []).append(finding["trans_id"])
    return {word: sorted(numbers) for word, numbers in numbers_by_word.items()}


def at(moment: str) -> datetime:
    """An instant of the day, from `091504`."""
    return datetime.strptime(f"20260310{moment}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def a_row(number: int, moment: str) -> str:
    """A row of the journal about a payment made at this moment."""
    return f"TRANSACTION;{number};1234567;DEBIT;2990;2990;978;20260310;{moment};;AUTHORISED;"


def receive_at(ledger: Ledger, *moments: str) -> None:
    """A call about another payment at each of these moments."""
    for number, moment in enumerate(moments):
        arrival = {"received_at": at(moment), "id": str(ULID.from_datetime(at(moment)))}
        receive(ledger, a_payment(str(100_000 + number), moment), **arrival)
