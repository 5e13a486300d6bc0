"""What the platform sends otherwise than before, over HTTP and as a metric."""

from datetime import timedelta

import pytest

from ledger.drift.catalogue import LEARNED_CALLS
from ledger.drift.follower import DriftIndex
from ledger.storage.database import Database
from tests.builders import NOON, OTHER_SHOP_ID
from tests.drift.calling import a_call, tell
from tests.web.asking import AT, Asking, asking


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database)
    bodies = [a_call() for _ in range(LEARNED_CALLS)]
    tell(api.ledger, *bodies, a_call(loyalty=1), a_call("PARTLY_SETTLED"), received_at=NOON)
    DriftIndex(api.ledger).catch_up()
    return api


def test_news_names_its_first_delivery(api: Asking) -> None:
    answer = api.get(f"{AT}/drift")

    assert (answer["first_day"], answer["calls"], answer["unread"]) == (
        *((NOON - timedelta(days=7)).date().isoformat(), LEARNED_CALLS + 2, 0),
    )
    word, name = answer["findings"]
    assert (word["drift"], word["value"], word["reading"]) == (
        *("new-value", "PARTLY_SETTLED", "fact"),
    )
    assert (name["drift"], name["name"], name["value"]) == (
        *("new-name", "transactions.*.loyalty", None),
    )
    first = api.get(f"/api/v1/notifications/{name['delivery_id']}")
    assert first["id"] == name["delivery_id"]
    assert api.get(f"{AT}/drift?since=2999-01-01")["findings"] == []
    assert len(api.get(f"{AT}/drift?limit=1")["findings"]) == 1


def test_every_name_is_listed_and_a_value_only_of_a_closed_set(api: Asking) -> None:
    by_name = {row["name"]: row for row in api.get(f"{AT}/drift/names")["names"]}

    assert by_name["transactions.*.loyalty"]["calls"] == 1
    status = by_name["transactions.*.detailedStatus"]
    assert (status["values"], status["share"]) == (["AUTHORISED", "PARTLY_SETTLED"], 1.0)
    assert by_name["orderDetails.orderId"]["values"] is None


@pytest.mark.parametrize("path", ["drift", "drift/names"])
def test_nobody_sees_what_another_shop_is_sent(api: Asking, path: str) -> None:
    limited = api.call(f"{AT}/{path}", shops=(OTHER_SHOP_ID,))

    assert limited.status_code in (403, 404)
    assert api.call(f"{AT}/{path}", None).status_code == 401


def test_a_metric_counts_it_for_seven_days(api: Asking) -> None:
    text = api.client.get("/metrics").text

    labels = 'drift="new-name",mode="test",shop_id="12345678"'
    assert f"ledger_drift_findings{{{labels}}} 1.0" in text
