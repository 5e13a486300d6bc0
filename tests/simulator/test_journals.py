"""The platform's files are written as the reference says, and list the truth, told or not."""

from collections import Counter
from datetime import date, timedelta

import pytest

from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import CUSTOMISED_FOLDER, Journals, journals
from ledger.simulator.stories import FORM, REST, STORIES
from ledger.simulator.undelivered_calls import NO_LOSSES, Losses, calls_with_losses
from tests.simulator.conftest import SHOP_ID
from tests.simulator.journal_reader import (
    LABEL,
    by_day,
    day_text,
    journals_of,
    named,
    platform_in,
    read_all,
    read_journal,
    state_on,
)

NUMBERS = {"978": "EUR", "756": "CHF", "826": "GBP", "392": "JPY", "414": "KWD"}


@pytest.fixture(scope="module")
def production() -> Journals:
    return journals_of()


def test_the_transactions_journal_lists_each_payment_of_its_day_as_it_stood_next_morning(
    production: Journals,
) -> None:
    days = by_day(production.truth, "transactions")
    read = read_all(production, "JT_")

    assert set(read) == {f"JT_CAF__DU_PORT_{SHOP_ID}_{day_text(day)}.csv" for day in days}
    for day, transactions in days.items():
        journal = read[f"JT_CAF__DU_PORT_{SHOP_ID}_{day_text(day)}.csv"]
        next_day = date.fromisoformat(day) + timedelta(days=1)
        states = [state_on(each, f"{next_day}T02:04:00Z") for each in transactions]
        assert journal.title == [LABEL, f"{next_day:%y/%m/%d}_02:04:00", "TABLE_V_CUSTOM"]
        assert journal.labels.index("TRANSACTION_STATUS") == 18  # the 20th with the record code
        assert not journal.ends
        assert [
            (
                line["TRANSACTION_ID"],
                line["TRANSACTION_TYPE"],
                line["ORDER_ID"],
                NUMBERS[line["CURRENCY_CODE"]],
                f"{line['PAYMENT_DATE']}{line['PAYMENT_TIME']}",
                int(line["ORIGIN_AMOUNT"]),
                int(line["AMOUNT"]),
                line["TRANSACTION_STATUS"],
            )
            for line in journal.details
        ] == [
            (
                each["trans_id"],
                each["direction"],
                each["order_id"] or "",
                each["currency"],
                "".join(letter for letter in each["paid_at"] if letter.isdigit()),
                each["states"][0]["amount_minor"],
                state["amount_minor"],
                state["status"],
            )
            for each, state in zip(transactions, states, strict=True)
        ]


def test_a_journal_knows_nothing_of_what_happened_after_it_was_made(production: Journals) -> None:
    is_final = []
    for each in production.truth["transactions"]:
        next_day = date.fromisoformat(each["day"]) + timedelta(days=1)
        is_final.append(state_on(each, f"{next_day}T02:04:00Z") == each["states"][-1])

    assert is_final.count(False) > 20
    assert is_final.count(True) > 100


def test_a_customised_journal_lists_the_same_under_french_labels(production: Journals) -> None:
    default = read_all(production, "JT_")
    customised = read_all(production, f"{CUSTOMISED_FOLDER}/", "iso-8859-1")

    assert {name.rpartition("/")[2] for name in customised} == set(default)
    for name, journal in customised.items():
        assert journal.labels == [
            *("Date du paiement", "Date remise", "Commande", "Contrat", "Type", "Montant"),
            *("Statut", "Moyen utilisé"),
        ]
        assert [
            (line["Commande"], line["Type"], line["Montant"], line["Statut"])
            for line in journal.details
        ] == [
            (
                line["ORDER_ID"],
                line["TRANSACTION_TYPE"],
                line["AMOUNT"],
                line["TRANSACTION_STATUS"],
            )
            for line in default[name.rpartition("/")[2]].details
        ]


def test_the_merchant_journal_has_every_uuid_but_those_of_verifications(
    production: Journals,
) -> None:
    names = [name for name in production.files if "_JAM_" in name]
    days = by_day(production.truth, "transactions")
    first, last = (date.fromisoformat(day) for day in (min(days), max(days)))
    every_day = [first + timedelta(days=number) for number in range((last - first).days + 1)]

    assert names == [
        f"{SHOP_ID}_JAM_V1_CL345678_CAF__DU_PORT_{day:%d%m%Y}.csv" for day in every_day
    ]
    for name, day in zip(names, every_day, strict=True):
        journal = read_journal(production.files[name], "utf-8")
        next_day = day + timedelta(days=1)
        assert journal.title == [f"{next_day}T20:04:00Z", "V1", "CL345678", LABEL]
        assert journal.ends
        listed = [
            each for each in days.get(f"{day}", []) if each["direction"] in ("DEBIT", "CREDIT")
        ]
        assert [
            (line["TRANSACTION_UUID"], line["OPERATION_DIRECTION"], line["AMOUNT"])
            for line in journal.details
        ] == [
            (
                each["uuid"],
                each["direction"],
                str(state_on(each, f"{next_day}T20:04:00Z")["amount_minor"]),
            )
            for each in listed
        ]


def test_the_merchant_journal_writes_a_technical_error_as_rest_does(production: Journals) -> None:
    journals_read = [
        read_journal(text, "utf-8") for name, text in production.files.items() if "_JAM_" in name
    ]
    statuses = Counter(
        line["TRANSACTION_STATUS"] for journal in journals_read for line in journal.details
    )

    assert statuses["ERROR"] == 2
    assert statuses["NEW_STATUS"] == 2


def test_the_operations_journal_lists_every_state_once(production: Journals) -> None:
    read = read_all(production, "JO_")
    lines = [
        (line["TRANSACTION_ID"], line["OPERATION_DATE"], int(line["OPERATION_AMOUNT"]))
        for journal in read.values()
        for line in journal.details
    ]

    expected = [
        (each["trans_id"], day_text(state["since"][:10]), state["amount_minor"])
        for each in production.truth["transactions"]
        for state in each["states"]
    ]
    assert Counter(lines) == Counter(expected)
    for name, journal in read.items():
        day = name.rpartition("_")[2].removesuffix(".csv")
        assert {line["OPERATION_DATE"] for line in journal.details} == {day}
        assert journal.title[2] == "TABLE_V3"
        assert journal.ends


def test_the_operations_have_the_names_of_what_was_done(production: Journals) -> None:
    names = Counter(
        line["OPERATION_NAME"]
        for journal in read_all(production, "JO_").values()
        for line in journal.details
    )
    directions = Counter(each["direction"] for each in production.truth["transactions"])

    assert set(names) == {
        *("AUTHOR", "CREDIT", "CAPTURE", "CANCEL", "EXPIRE", "SUSPEND", "VALIDATE", "MODIFY"),
    }
    assert names["CREDIT"] >= directions["CREDIT"]
    assert names["EXPIRE"] == 2


def test_in_test_the_names_say_so_and_two_journals_do_not_exist() -> None:
    test = journals_of("TEST")

    codes = Counter(name.partition("/")[2] or name for name in test.files)
    assert all(name.startswith("TEST_J") for name in codes)
    assert {name.split("_")[1] for name in codes} == {"JT", "JO", "JRB"}
    assert test.truth["chargebacks"] == []


def test_the_same_lives_are_the_same_bytes_and_losses_change_no_journal() -> None:
    first, second = journals_of(), journals_of()
    lossy = journals_of(losses=Losses(lost_share=0.3))

    assert first == second
    assert lossy.files == first.files
    assert lossy.truth != first.truth


@pytest.mark.parametrize("format_choice", [FORM, REST])
def test_without_losses_everything_is_delivered_as_it_stands(format_choice: str) -> None:
    truth = journals_of(format_choice=format_choice, laps=1).truth

    for each in truth["transactions"]:
        assert each["is_delivered"]
        assert (each["delivered_status"], each["delivered_amount_minor"]) == (
            each["status"],
            each["amount_minor"],
        )


def test_a_form_delivers_only_the_payment_that_it_is_about() -> None:
    rule_off = Losses(rules_off=frozenset({"batch-authorisation"}))
    story = [STORIES["instalments"]]
    shop = JournalShop(SHOP_ID, LABEL, "PRODUCTION")

    delivered = {
        format_name: [
            each["is_delivered"]
            for each in journals(
                shop,
                calls_with_losses(
                    platform_in("PRODUCTION"), story, rule_off, count=1, format_choice=format_name
                ),
            ).truth["transactions"]
        ]
        for format_name in (FORM, REST)
    }

    assert {name: sorted(are_delivered) for name, are_delivered in delivered.items()} == {
        FORM: [False, False, True],
        REST: [True, True, True],
    }


def test_a_text_with_a_separator_or_a_line_end_stays_one_cell() -> None:
    files = journals(
        JournalShop(SHOP_ID, "A;B\rC", "TEST"),
        calls_with_losses(
            platform_in("TEST"), [STORIES["payment-special-characters"]], NO_LOSSES, count=1
        ),
    )

    (name,) = named(files, "TEST_JT_A_B_C_")
    journal = read_journal(files.files[name])
    assert journal.title[0] == "A B C"
    (line,) = journal.details
    assert line["RETURN_CONTEXT"] == "a+b = c  d||100% ? \\/ <b>&amp "
