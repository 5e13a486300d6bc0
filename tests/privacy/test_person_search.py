"""A person's payments are found by what support hears, over tags alone, until they are erased."""

from datetime import date

import pytest

from ledger.application import Ledger
from ledger.privacy.person_search import (
    PersonFindings,
    find_by_person,
    person_question,
    question_tag,
)
from ledger.proof.signer import LogSigner
from ledger.queries.find_by_text import Where
from ledger.queries.typed_text import read_typed
from tests.builders import OTHER_SHOP_ID, UUID, a_form_call, receive
from tests.privacy.erasing import EMAIL, OTHER_EMAIL, OTHER_UUID, erase, tagged
from tests.queries.filling import follow

TODAY = date(2026, 11, 28)
THIRD_UUID = "c3" * 16


@pytest.fixture
def ledger(paid: Ledger) -> Ledger:
    """Those two payments, and a third by another card, with a phone number."""
    third = {"trans_uuid": THIRD_UUID, "trans_id": "900003", "order_id": "CMD-third"}
    about = {"card_number": "497010XXXXXX0077", "cust_phone": "06.12.34.56.78"}
    receive(paid, a_form_call(cust_email=f"<{EMAIL}>", **third, **about))
    follow(paid)
    return paid


def search(ledger: Ledger, text: str, **where: frozenset[str]) -> PersonFindings:
    question = person_question(read_typed(text, today=TODAY))
    assert question is not None, text
    return find_by_person(ledger, question, Where(mode="test", **where))


def uuids(findings: PersonFindings) -> set[str]:
    return {item["uuid"] for item in findings.items}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f" {EMAIL.upper()} ", {UUID, THIRD_UUID}),
        (OTHER_EMAIL, {OTHER_UUID}),
        (EMAIL.removeprefix("j"), set()),  # never a part
        ("06 12 34 56 78", {THIRD_UUID}),
        ("0077 29,90", {THIRD_UUID}),
        ("0077 10/03/2026", {THIRD_UUID}),
        ("10 mar 0077 29.90 EUR", {THIRD_UUID}),
        ("cmd-THI 0077", {THIRD_UUID}),
        ("second 0077", set()),
        ("0077 29,91", set()),
        ("0077 11/03/2026", set()),
    ],
)
def test_a_person_is_found_exactly(ledger: Ledger, text: str, wanted: set[str]) -> None:
    assert uuids(search(ledger, text)) == wanted


def test_nothing_is_found_beyond_the_own_shops_and_the_erased(
    ledger: Ledger, signer: LogSigner
) -> None:
    assert search(ledger, EMAIL, shops=frozenset({OTHER_SHOP_ID})).count == 0
    before = tagged(ledger)

    erase(ledger, signer, UUID, THIRD_UUID)

    assert search(ledger, EMAIL) == PersonFindings([], [], [], 0, has_more=False)
    assert uuids(search(ledger, OTHER_EMAIL)) == {OTHER_UUID}
    assert len(tagged(ledger)) == 1 < len(before)


def test_a_question_has_one_name_that_says_nothing_of_it(ledger: Ledger) -> None:
    tags = [
        question_tag(ledger, question, "test")
        for text in (EMAIL, f" {EMAIL.upper()}", OTHER_EMAIL, "0077 29,90", "0077 29,91")
        if (question := person_question(read_typed(text, today=TODAY)))
    ]

    assert tags[0] == tags[1]
    assert len(set(tags)) == 4
    assert {len(tag) for tag in tags} == {32}


@pytest.mark.parametrize(
    "text", ["1234", "CMD-2026", "05/10/2026", "74,29", "900001", "a b@c.d", "#412", "a1" * 16]
)
def test_other_texts_are_about_nobody(text: str) -> None:
    assert person_question(read_typed(text, today=TODAY)) is None
