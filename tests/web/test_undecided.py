"""What was verified but not decided, wherever an operator, an auditor or a machine looks."""

import pytest
from flask.testing import FlaskClient

from ledger.ipn import form_v2
from ledger.recording.receipt import Receipt
from ledger.storage.outcomes import Outcome
from tests.builders import UUID, a_delivery, a_form, form_body, receive
from tests.web.asking import AT, Asking
from tests.web.calling import post
from tests.web.fakes import FakeLedger

ABOUT = [f"{AT}/transactions/{UUID}", f"{AT}/orders/CMD-2026-0001"]


def an_undecided(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> Receipt:
    def broken(*_arguments: object) -> None:
        raise ValueError("a value of the body")

    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", broken)
        body = form_body(a_form(vads_trans_uuid=UUID, vads_trans_status="CANCELLED"))
        return receive(asking.ledger, body)


def test_the_platform_is_answered_that_it_is_kept(client: FlaskClient, ledger: FakeLedger) -> None:
    ledger.outcome, ledger.reason = Outcome.UNDECIDED, "internal-error"

    response = post(client)

    assert response.status_code == 200
    assert response.text == f"OK undecided {ledger.deliveries[0].id}"


@pytest.mark.parametrize(
    "path", [ABOUT[0], f"{ABOUT[0]}/history", f"{ABOUT[1]}", f"{ABOUT[1]}/history"]
)
def test_histories_and_orders_name_it_until_it_is_decided(
    paid_sqlite: Asking, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    paid_sqlite.follow()
    before = paid_sqlite.call(path)
    assert before.get_json()["undecided"] == []
    receipt = an_undecided(paid_sqlite, monkeypatch)

    tagged = paid_sqlite.call(path, headers={"If-None-Match": before.headers["ETag"]})

    assert (tagged.status_code, tagged.get_json()["undecided"]) == (200, [receipt.id])
    assert paid_sqlite.get(f"{path}?as_of=2026-11-23")["undecided"] == []
    paid_sqlite.ledger.readmit(receipt.id)
    assert paid_sqlite.get(path)["undecided"] == []


def test_it_is_named_under_every_name_of_a_payment(
    paid_sqlite: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call of before had no uuid yet; the undecided one names nothing else."""
    without_uuid = form_body(a_form(vads_trans_uuid=None, vads_trans_status="CAPTURED"))
    paid_sqlite.ledger.receive(a_delivery(without_uuid))
    receipt = an_undecided(paid_sqlite, monkeypatch)

    for name in (UUID, "20260310-100001-1-DEBIT"):
        assert paid_sqlite.get(f"{AT}/transactions/{name}")["undecided"] == [receipt.id]


def test_a_notification_says_what_stumbled_and_what_became_of_it(
    paid: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = an_undecided(paid, monkeypatch)
    path = f"/api/v1/notifications/{receipt.id}"

    shown = paid.get(path)
    assert (shown["outcome"], shown["reason"]) == ("undecided", "internal-error")
    assert (shown["error_class"], shown["decided_at"]) == ("ValueError", None)
    listed = paid.get("/api/v1/notifications?outcome=undecided")["items"]
    assert [item["id"] for item in listed] == [receipt.id]

    tried = paid.call(f"{path}/readmit", "operator", method="POST").get_json()
    assert tried["outcome"] == "recorded"
    decided = paid.get(path)
    assert (decided["outcome"], len(decided["positions"])) == ("recorded", 1)
    assert decided["decided_at"] is not None


def test_all_of_a_reason_are_tried_again(paid: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    an_undecided(paid, monkeypatch)

    def readmit(*, dry_run: bool) -> dict[str, object]:
        question = {"reason": "internal-error", "dry_run": dry_run}
        path = "/api/v1/notifications/readmit"
        response = paid.call(path, "operator", method="POST", json=question)
        return dict(response.get_json())

    assert readmit(dry_run=True)["matching"] == 1
    done = readmit(dry_run=False)
    assert (done["readmitted"], done["refused"], done["undecided"]) == (1, 0, 0)
    assert readmit(dry_run=True)["matching"] == 0


def test_metrics_count_it(paid_sqlite: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    def counted() -> list[str]:
        paid_sqlite.app.extensions.pop("ipn-ledger-gauges", None)  # what was read a moment ago
        lines = paid_sqlite.call("/metrics", None).text.splitlines()
        return [line for line in lines if line.startswith("ledger_undecided_notifications")]

    assert counted() == ['ledger_undecided_notifications{reason="none"} 0.0']
    an_undecided(paid_sqlite, monkeypatch)
    assert counted() == ['ledger_undecided_notifications{reason="internal-error"} 1.0']
