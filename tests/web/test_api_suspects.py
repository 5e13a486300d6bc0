"""What was probably not told, over HTTP: the list, page by page, and the metric."""

from datetime import timedelta

import pytest

from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID
from tests.projections.helpers import follow
from tests.projections.suspecting import notified
from tests.web.asking import Asking, asking

AT = "/api/v1/suspects"


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database)
    api.now = NOON + timedelta(days=1)
    for number in "abc":
        order = {"order_id": f"jo-{number}@example.org", "trans_id": f"41000{number}"}
        notified(api.ledger, number, number=2, **order)
    notified(api.ledger, "e", parent="f", operationType="CREDIT", source="MERCH_BO")
    follow(api.ledger)
    return api


def test_a_suspect_says_what_is_missing_and_leads_to_its_object(api: Asking) -> None:
    (suspect,) = api.get(f"{AT}?rule=parent-never-told&mode=test&shop={SHOP_ID}")["items"]

    assert suspect["links"]["self"] == f"/api/v1/shops/{SHOP_ID}/test/transactions/{'e' * 32}"
    assert (suspect["certainty"], suspect["parent_uuid"]) == ("certain", "f" * 32)
    assert api.get(suspect["links"]["self"])["uuid"] == suspect["reference"]


def test_pages_follow_each_other_by_their_keys(api: Asking) -> None:
    instants, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{AT}?limit=1&sort=time{cursor and f'&cursor={cursor}'}")
        instants += [item["due_at"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert len(instants) == len(set(instants)) == 4
    assert instants == sorted(instants)


def test_an_order_that_names_a_person_is_masked_for_auditors(api: Asking) -> None:
    shown = api.call(f"{AT}?rule=sequence-gap", "auditor").get_json()["items"]
    whole = api.call(f"{AT}?rule=sequence-gap", "operator").get_json()["items"]

    assert "example.org" not in str(shown)
    assert {item["reference"] for item in whole} == {f"jo-{n}@example.org" for n in "abc"}


def test_an_unknown_rule_is_refused(api: Asking) -> None:
    assert api.call(f"{AT}?rule=anything").status_code == 422


def test_the_metric_counts_by_rule(api: Asking) -> None:
    text = api.client.get("/metrics").text

    lines = [line for line in text.splitlines() if line.startswith("ledger_suspects{")]
    labels = f'{{certainty="likely",mode="test",rule="sequence-gap",shop_id="{SHOP_ID}"}}'
    assert f"ledger_suspects{labels} 3.0" in lines
    assert len(lines) == 2


def test_what_is_not_due_is_not_listed(database: Database) -> None:
    api = asking(database)
    notified(api.ledger, "a", "WAITING_AUTHORISATION", capture_at="2998-01-01T00:00:00+00:00")
    follow(api.ledger)

    assert api.get(AT)["items"] == []
