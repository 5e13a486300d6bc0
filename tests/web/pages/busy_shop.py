"""A shop whose September holds what readers come to ask: paid, refunded, refused, late, waiting."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.application import Ledger
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key, Shop, Shops
from ledger.storage.database import Database
from tests.builders import (
    OTHER_SHOP_ID,
    PLAIN_SETTINGS,
    SHOP_ID,
    a_form,
    a_form_call,
    form_body,
    receive,
    secret,
)
from tests.queries.filling import follow
from tests.web.pages.lately import Clock

NOW = datetime(2026, 9, 28, 10, 0, tzinfo=UTC)
ORDER, EMAIL, AUTHORISATION = "CMD-2026-549017", "jo@example.org", "7ab3c9"
PAYMENT, REFUND, PAID_AT = "a1" * 16, "a2" * 16, datetime(2026, 9, 22, 9, 15, tzinfo=UTC)
REFUSED_ORDER, VERIFIED_ORDER, PLAN = "CMD-2026-996635", "CMD-2026-610007", "ABO-2026-462734"
LARGE_REFUNDS, SMALL_REFUND = ("CMD-2026-700001", "CMD-2026-700002"), "CMD-2026-700003"
WAITING_ORDER = "CMD-2026-024767"
NEW_KEY = "Synthetic-key-after-the-change"
CARD = {"card_number": "497010XXXXXX4321", "cust_email": EMAIL}
_RULE = "RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=1"
_MISSED = (7, 8)


def a_busy_ledger(database: Database, clock: Clock, *, has_new_key: bool = True) -> Ledger:
    """The ledger of two shops, before or after it was given the key of the Back Office."""
    shop_by_id = {
        SHOP_ID: Shop(SHOP_ID, "Boutique du Port", tuple(_keys(SHOP_ID, has_new_key))),
        OTHER_SHOP_ID: Shop(OTHER_SHOP_ID, "Librairie des Arts", tuple(_keys(OTHER_SHOP_ID))),
    }
    return Ledger(PLAIN_SETTINGS, Shops(shop_by_id), database, clock=clock)


def hear_september(database: Database, clock: Clock) -> None:
    """Receive everything, each call at its own time; those of a new key are not recognised yet."""
    ledger = a_busy_ledger(database, clock, has_new_key=False)
    for at, fields in sorted(_calls(), key=lambda call: call[0]):
        _hear(ledger, clock, at, a_form_call(**_dated(at, fields)))
    for mode in ("TEST", "PRODUCTION"):
        at = NOW - timedelta(hours=2)
        fields = {"trans_uuid": "99" * 16, "ctx_mode": mode, "order_id": WAITING_ORDER}
        form = a_form(**{f"vads_{name}": text for name, text in _dated(at, fields).items()})
        _hear(ledger, clock, at, form_body(form, key=NEW_KEY), outcome="quarantined")
    clock.now = NOW
    follow(ledger)


def _keys(shop_id: str, has_new_key: bool = False) -> list[Key]:
    keys = [
        Key(shop_id, mode, kind, secret(shop_id, mode, kind))
        for mode in ("TEST", "PRODUCTION")
        for kind in (FORM_HMAC, REST_PASSWORD)
    ]
    if has_new_key:
        keys += [Key(shop_id, mode, FORM_HMAC, NEW_KEY) for mode in ("TEST", "PRODUCTION")]
    return keys


def _hear(
    ledger: Ledger, clock: Clock, at: datetime, body: bytes, outcome: str = "recorded"
) -> None:
    clock.now = at
    receipt = receive(ledger, body, received_at=at)
    assert receipt.outcome == outcome, receipt


def _dated(at: datetime, fields: dict[str, Any]) -> dict[str, Any]:
    text = f"{at:%Y%m%d%H%M%S}"
    return {"effective_creation_date": text, "presentation_date": text, "trans_date": text} | fields


def _calls() -> list[tuple[datetime, dict[str, Any]]]:
    day = timedelta(days=1)
    refund = {"operation_type": "CREDIT", "source": "BO", "auth_number": ""}
    paid = {"trans_uuid": PAYMENT, "trans_id": "549017", "order_id": ORDER} | CARD
    calls = [
        (PAID_AT, paid | _money(7429) | {"auth_number": AUTHORISATION}),
        (
            PAID_AT + 5 * day,
            refund | {"trans_uuid": REFUND, "trans_id": "900001", "order_id": ORDER} | _money(3000),
        ),
        (
            PAID_AT - 2 * day,
            {"trans_uuid": "c1" * 16, "trans_id": "996635", "order_id": REFUSED_ORDER}
            | {"status": "REFUSED", "auth_result": "51", "result": "05"},
        ),
        (
            NOW - 18 * day,
            {"trans_uuid": "d1" * 16, "trans_id": "610007", "order_id": VERIFIED_ORDER}
            | {"status": "UNDER_VERIFICATION"},
        ),
    ]
    refunds = zip((*LARGE_REFUNDS, SMALL_REFUND), (51200, 30100, 29900), strict=True)
    for number, (order, amount) in enumerate(refunds, 1):
        names = {"trans_uuid": f"{number:02}" * 16, "trans_id": f"70000{number}", "order_id": order}
        calls.append((PAID_AT - number * day, refund | names | _money(amount)))
    return calls + _plan()


def _plan() -> list[tuple[datetime, dict[str, Any]]]:
    """A plan of a year from April on, whose instalments of two months never came."""
    plan = {"subscription": PLAN, "identifier": "an-alias"}
    opening = {"recurrence_status": "CREATED", "operation_type": "VERIFICATION"}
    terms = {"sub_desc": _RULE, "sub_effect_date": "20260401", "sub_amount": "2990"}
    names = {"sub_currency": "978", "trans_uuid": "e1" * 16, "order_id": PLAN}
    calls = [(datetime(2026, 3, 30, 9, 0, tzinfo=UTC), plan | opening | terms | names)]
    for number, month in enumerate(range(4, 10), 1):
        if month not in _MISSED:
            made = {"recurrence_number": str(number), "trans_uuid": f"{month:032x}"}
            names = {"trans_id": f"80000{number}", "order_id": PLAN}
            calls.append((datetime(2026, month, 1, 9, 0, tzinfo=UTC), plan | made | names))
    return calls


def _money(amount_minor: int) -> dict[str, str]:
    return {"amount": str(amount_minor), "effective_amount": str(amount_minor)}
