"""A known word in another case, or with blanks, stays unknown; its mark says why."""

import pytest

from tests.builders import a_form, an_answer, form_body, rest_body
from tests.ipn.reading import content_of
from tests.ipn.test_odd_values import PARTS

OF_PART = PARTS.replace('"100"', '"100","trans_status":"Captured"')
ROWS = [
    *(
        (a_form(vads_trans_status=status), "vads_trans_status", status)
        for status in ("authorised", " AUTHORISED", "Authorised to validate\t", "canceled")
    ),
    (a_form(vads_payment_seq=OF_PART), "trans_status", "Captured"),
]


@pytest.mark.parametrize(("fields", "name", "status"), ROWS)
def test_a_status_in_another_spelling_stays_as_it_came(
    fields: dict[str, str], name: str, status: str
) -> None:
    (payment,) = content_of(form_body(fields)).transactions

    assert payment.facts["status"] == status
    assert payment.odd == (name, f"spelling: {name}")
    assert [name, status] in payment.details


@pytest.mark.parametrize("status", ["AUTHORISE", "authorısed", "AUTHORISED;", "AUTHO RISED"])
def test_a_word_that_nobody_knows_is_no_other_spelling(status: str) -> None:
    (payment,) = content_of(form_body(a_form(vads_trans_status=status))).transactions

    assert payment.odd == ("vads_trans_status",)


def test_an_answer_and_a_direction_are_marked_alike() -> None:
    answer = an_answer(detailedStatus="authorized", operationType="debit ")

    (payment,) = content_of(rest_body(answer)).transactions

    assert payment.facts["status"] == "authorized"
    assert set(payment.odd) == {
        "detailedStatus",
        "operationType",
        "spelling: detailedStatus",
        "spelling: operationType",
    }
