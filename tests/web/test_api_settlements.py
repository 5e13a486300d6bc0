"""Remittances over HTTP: the same sums as the command prints, within one's shops."""

import pytest

from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID
from tests.reconciliation.comparing import NOW, receive_the_day
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid
from tests.web.asking import AT, Asking, asking

ADDRESS = f"{AT}/settlements?until=2026-04-30&days=60"


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database, now=NOW)
    receive_the_day(api.ledger)
    import_bank(api.ledger, a_bank_row(), a_bank_row("777777", "1000", "98800", "12"))
    import_unpaid(api.ledger, an_unpaid_row())
    return api


def test_a_remittance_has_its_sums_and_its_rows(api: Asking) -> None:
    answer = api.get(ADDRESS)

    (remittance,) = answer["remittances"]
    sums = {name: remittance[f"{name}_minor"] for name in ("gross", "fee", "net", "difference")}
    assert sums == {"gross": 3990, "fee": 47, "net": 3943, "difference": 1000}
    assert [line["result"] for line in remittance["lines"]] == ["matched", "unmatched"]
    assert remittance["lines"][0]["chargebacks_minor"] == 2990
    assert remittance["lines"][0]["uuid"] == f"{410001:032x}"
    (chargeback,) = answer["chargebacks"]
    assert chargeback["reference"] == f"{410001:032x}"


def test_another_shop_is_not_shown(api: Asking) -> None:
    refused = api.call(ADDRESS, shops=(OTHER_SHOP_ID,))

    assert refused.status_code == 403


def test_more_days_than_a_year_are_refused(api: Asking) -> None:
    assert api.call(f"{AT}/settlements?days=367").status_code == 422
