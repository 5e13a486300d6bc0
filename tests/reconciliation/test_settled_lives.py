"""Lives of the platform and its files about money: sums and entries are the truth to the cent."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from ledger.application import Ledger
from ledger.ipn.money import decimal_text
from ledger.reconciliation.accounts import Accounts
from ledger.reconciliation.entries import entries_of
from ledger.reconciliation.entry_files import FEC_COLUMNS, fec_lines, hledger_lines
from ledger.reconciliation.remittances import SettledDays, settled_days
from ledger.reconciliation.report_store import Scope
from ledger.simulator.journals import Journals
from ledger.simulator.undelivered_calls import Losses
from ledger.storage.database import Database
from tests.builders import SHOP_ID
from tests.queries.filling import follow
from tests.reconciliation.comparing import import_journal
from tests.reconciliation.test_losses import MODE, lossy_run


def settled_run(database: Database, losses: Losses) -> tuple[Ledger, Journals, list[SettledDays]]:
    """A ledger with the platform's files about money, and what they say, a part for each year."""
    ledger, platform_files = lossy_run(database, losses)
    follow(ledger)
    for name, content in platform_files.files.items():
        if name.startswith(("JRB_", "JRI_")):
            import_journal(ledger, content, name)
    truth = platform_files.truth
    years = {int(each["day"][:4]) for each in [*truth["captures"], *truth["chargebacks"]]}
    with ledger.database.connect() as connection:
        settled = [
            settled_days(connection, Scope(SHOP_ID, MODE, date(year, 1, 1), date(year, 12, 31)))
            for year in sorted(years)
        ]
    return ledger, platform_files, settled


Sums = Counter[tuple[str, str, str, str]]


def true_sums(platform_files: Journals) -> Sums:
    sums: Sums = Counter()
    for each in platform_files.truth["captures"]:
        sign = -1 if each["direction"] == "CREDIT" else 1
        remittance = each["day"], each["remittance_number"], each["currency"]
        for name in ("gross", "fee", "net"):
            sums[(*remittance, name)] += sign * (each[f"{name}_minor"] or 0)
    return sums


def read_sums(settled: list[SettledDays]) -> Sums:
    sums: Sums = Counter()
    for remittance in (each for part in settled for each in part.remittances):
        identity = remittance.remittance_key
        names = identity.remitted_on.isoformat(), identity.number or "", identity.currency or ""
        sums[(*names, "gross")] += remittance.gross_minor
        sums[(*names, "fee")] += remittance.fee_minor
        sums[(*names, "net")] += sum(line.net_minor or 0 for line in remittance.bank_lines)
    return sums


@pytest.mark.parametrize("lost_share", [0.0, 0.1])
def test_the_sums_of_every_remittance_are_the_truth(database: Database, lost_share: float) -> None:
    _, platform_files, settled = settled_run(database, Losses(seed=5, lost_share=lost_share))

    assert read_sums(settled) == true_sums(platform_files)
    assert sum(true_sums(platform_files).values()) > 0
    lines = [line for part in settled for each in part.remittances for line in each.bank_lines]
    unknown = [line for line in lines if line.known is None]
    assert bool(unknown) == bool(lost_share)
    if not lost_share:
        assert sum(each.difference_minor for part in settled for each in part.remittances) == 0


def test_every_chargeback_is_of_the_payment_that_was_taken_back(database: Database) -> None:
    _, platform_files, settled = settled_run(database, Losses(seed=5, lost_share=0.0))

    read = Counter(
        (each.match.known.uuid, each.moved_on.isoformat(), each.claim.unpaid_amount_minor)
        for part in settled
        for each in part.chargebacks
        if each.match.known is not None
    )
    true = Counter(
        (each["uuid"], each["day"], each["amount_minor"])
        for each in platform_files.truth["chargebacks"]
    )
    assert read == true
    assert len(true) > 5


def test_every_entry_balances_and_the_bank_gets_what_the_truth_says(database: Database) -> None:
    _, platform_files, settled = settled_run(database, Losses(seed=5, lost_share=0.1))
    accounts = Accounts()

    entries = [entry for part in settled for entry in entries_of(part, accounts)]

    assert len(entries) > 20
    assert all(sum(each.amount_minor for each in entry.postings) == 0 for entry in entries)
    bank: Counter[str] = Counter()
    for entry in entries:
        for posting in entry.postings:
            if posting.account == accounts.bank and not posting.label.startswith("Chargeback"):
                bank[entry.currency] += posting.amount_minor
    true: Counter[str] = Counter()
    for (_, _, currency, name), amount in true_sums(platform_files).items():
        true[currency] += {"gross": amount, "fee": -amount, "net": 0}[name]
    assert bank == true


def test_the_file_for_accounting_software_balances_entry_by_entry(database: Database) -> None:
    _, _, settled = settled_run(database, Losses(seed=5, lost_share=0.1))
    entries = [entry for part in settled for entry in entries_of(part, Accounts())]

    header, *lines = "".join(fec_lines(entries, Accounts())).split("\r\n")[:-1]

    assert header.split("\t") == list(FEC_COLUMNS)
    sums: Counter[str] = Counter()
    for line in lines:
        cells = dict(zip(FEC_COLUMNS, line.split("\t"), strict=True))
        debit, credit = (Decimal(cells[name].replace(",", ".")) for name in ("Debit", "Credit"))
        assert (debit == 0) != (credit == 0)
        assert len(cells["EcritureDate"]) == len("20260310")
        sums[cells["EcritureNum"]] += int(100 * (debit - credit))
    assert set(sums.values()) == {0}
    assert len(sums) == sum(entry.currency == "EUR" for entry in entries)


def test_a_journal_of_hledger_has_each_payment_with_its_uuid(database: Database) -> None:
    _, _, settled = settled_run(database, Losses(seed=5, lost_share=0.0))
    entries = [entry for part in settled for entry in entries_of(part, Accounts())]

    journal = "".join(hledger_lines(entries))

    tags = journal.count("; uuid:")
    assert tags == sum(posting.uuid is not None for entry in entries for posting in entry.postings)
    first = entries[0].postings[-1]
    amount = decimal_text(first.amount_minor, entries[0].currency)
    assert f"  {amount} {entries[0].currency}  ; uuid:{first.uuid}\n" in journal
