"""Evidence of events over HTTP: the raw body, verified again."""

from dataclasses import replace

from tests.audit.tampering import damage, reseal
from tests.builders import NOON, SHOP_ID, UUID, shops
from tests.web.asking import AT, Asking

EVIDENCE = f"{AT}/events/1/evidence"


def test_evidence_is_the_body_verified_again(paid: Asking) -> None:
    evidence = paid.get(EVIDENCE, "auditor-personal")

    assert evidence["signature"] == "verified"
    assert evidence["is_digest_same"]
    assert evidence["is_linked"]
    assert evidence["digest"] == evidence["digest_now"]
    assert UUID in evidence["body_text"]
    raw = paid.call(evidence["notification"]["links"]["raw"], "operator")
    assert raw.text == evidence["body_text"]


def test_evidence_says_when_the_key_is_gone(paid_sqlite: Asking) -> None:
    paid_sqlite.ledger.shops = shops()
    paid_sqlite.ledger.shops = replace(paid_sqlite.ledger.shops, shop_by_id={})

    assert paid_sqlite.get(EVIDENCE, "operator")["signature"] == "key-gone"


def test_evidence_is_verified_although_the_window_of_its_key_is_over(
    paid_sqlite: Asking,
) -> None:
    (shop,) = shops().shop_by_id.values()
    keys = tuple(replace(key, not_after=NOON) for key in shop.keys)
    paid_sqlite.ledger.shops = shops(replace(shop, keys=keys))

    assert paid_sqlite.get(EVIDENCE, "operator")["signature"] == "verified"


def test_evidence_shows_a_body_that_was_changed_behind_our_back(paid_sqlite: Asking) -> None:
    damage(
        paid_sqlite.ledger.database,
        lambda connection: reseal(connection, lambda body: body.replace(b"2990", b"1990")),
    )

    evidence = paid_sqlite.get(EVIDENCE, "operator")

    assert (evidence["signature"], evidence["is_digest_same"]) == ("failed", False)
    assert evidence["digest"] != evidence["digest_now"]


def test_evidence_is_only_where_its_event_is(paid: Asking) -> None:
    for path in (
        f"{AT}/events/99/evidence",
        f"{AT}/events/0/evidence",
        f"/api/v1/shops/{SHOP_ID}/production/events/1/evidence",
        "/api/v1/shops/87654321/test/events/1/evidence",
        f"{AT}/events/99999999999999999999999/evidence",
    ):
        assert paid.call(path, "operator").status_code == 404, path
