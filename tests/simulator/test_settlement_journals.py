"""What the bank took and gave back is written as the reference says, and adds up to the truth."""

from collections import Counter

import pytest

from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import Journals, journals
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import NO_LOSSES, calls_with_losses
from tests.simulator.conftest import SHOP_ID
from tests.simulator.journal_reader import (
    LABEL,
    by_day,
    day_text,
    journals_of,
    platform_in,
    read_all,
)


@pytest.fixture(scope="module")
def production() -> Journals:
    return journals_of()


def test_the_bank_journal_adds_up_to_the_truth(production: Journals) -> None:
    read = read_all(production, "JRB_")
    sums: Counter[tuple[str, str]] = Counter()
    for journal in read.values():
        assert journal.title[2] == "TABLE_V2"
        assert journal.ends
        for line in journal.details:
            number = line["REMITTANCE_NB"]
            sums[number, "gross"] += int(line["BRUT_AMOUNT"])
            sums[number, "fee"] += int(line["COMMISSION_AMOUNT"] or 0)
            sums[number, "net"] += int(line["NET_AMOUNT"] or 0)

    true_sums: Counter[tuple[str, str]] = Counter()
    for capture in production.truth["captures"]:
        number = capture["remittance_number"]
        true_sums[number, "gross"] += capture["gross_minor"]
        true_sums[number, "fee"] += capture["fee_minor"] or 0
        true_sums[number, "net"] += 100 * (capture["net_minor"] or 0)
    assert sums == true_sums
    assert sum(true_sums.values()) > 0
    assert set(read) == {
        f"JRB_CAF__DU_PORT_{SHOP_ID}_{day_text(day)}.csv"
        for day in by_day(production.truth, "captures")
    }


def test_gross_less_fee_is_net_and_whatever_is_no_card_has_neither(production: Journals) -> None:
    captured = production.truth["captures"]
    with_fee = [each for each in captured if each["fee_minor"] is not None]

    assert all(each["gross_minor"] - each["fee_minor"] == each["net_minor"] for each in with_fee)
    assert any(each["fee_minor"] > 0 for each in with_fee)
    assert {each["direction"] for each in with_fee} == {"DEBIT", "CREDIT"}
    assert any(each["net_minor"] is None for each in captured)


def test_everything_that_ends_captured_is_in_a_remittance(production: Journals) -> None:
    ends = {
        each["uuid"]
        for each in production.truth["transactions"]
        if each["states"][-1]["status"] == "CAPTURED"
    }

    assert {each["uuid"] for each in production.truth["captures"]} == ends


def test_a_call_names_the_remittance_that_the_bank_journal_names(production: Journals) -> None:
    calls = calls_with_losses(
        platform_in("PRODUCTION"), [STORIES["external-captured"]], NO_LOSSES, count=1
    )
    played = list(calls)
    files = journals(JournalShop(SHOP_ID, LABEL, "PRODUCTION"), played)

    captured = played[-1][0].call.payments[0]
    (line,) = next(iter(read_all(files, "JRB_").values())).details
    assert line["REMITTANCE_NB"] == str(captured.remittance_number)
    assert line["REMITTANCE_DATE"] == f"{captured.captured_at:%Y%m%d}"


def test_the_unpaid_journal_lists_a_few_captured_payments(production: Journals) -> None:
    read = read_all(production, "JRI_")
    lines = Counter(
        (line["TRANSACTION_ID"], int(line["SOURCE_AMOUNT"]), line["OPERATION_TYPE"])
        for journal in read.values()
        for line in journal.details
    )
    number_by_uuid = {each["uuid"]: each["trans_id"] for each in production.truth["transactions"]}
    unpaid = production.truth["chargebacks"]

    assert lines == Counter(
        (number_by_uuid[each["uuid"]], each["amount_minor"], "D") for each in unpaid
    )
    assert {each["uuid"] for each in unpaid} < {
        each["uuid"] for each in production.truth["captures"]
    }
    assert set(read) == {
        f"JRI_CAF__DU_PORT_{SHOP_ID}_{day_text(each['day'])}_V1.csv" for each in unpaid
    }
    for journal in read.values():
        assert journal.title[2:] == ["V1", "LES IMPAYÉS RAPPROCHÉS DU JOUR"]
        assert journal.ends
