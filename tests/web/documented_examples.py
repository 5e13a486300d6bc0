"""The examples of the documents: synthetic notifications, and what the service answers then."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import orjson

from ledger.application import Ledger
from ledger.projections.engine.leadership import prepare_views
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.asking.answering import about, answered, as_element, envelope
from tests.builders import (
    NOON,
    SHOP_ID,
    a_form_call,
    example,
    example_body,
    examples,
    form_body,
    receive,
    rest_body,
)
from tests.conftest import opened
from tests.queries.filling import follow
from tests.web.asking import AT, Asking, asking
from web.api.event_schemas import event_schema_name

Deliver = Callable[..., object]

PAYMENT, TOKEN, CARD, NO_TOKEN, PLAN, NO_PLAN = (
    example("form-v2", name)["fields"]
    for name in (
        "payment-accepted",
        "token-created",
        "token-created-legacy",
        "token-not-created",
        "subscription-created",
        "subscription-not-created",
    )
)


REQUEST_ID = "5f0c1e7a9b3d2468"
"""In the place of one that is random."""


def a_service(database: Database) -> Asking:
    """A ledger that received every example, every story, and the rest of what there are events."""
    api = asking(database)
    deliver = in_order(api.ledger)
    first = ("form-v2", "payment-accepted")
    for format_, name in (first, *examples()):
        deliver(example_body(format_, name))
    deliver(b"vads_site_id=12345678&vads_ctx_mode=TEST&signature=none")
    platform = synthetic_platform(api.ledger.shops, SHOP_ID, "PRODUCTION", at=NOON)
    for number, story in enumerate(STORIES.values()):
        if platform.can_play(story, ALTERNATE):
            for call in platform.signed_calls(story, 1, number, ALTERNATE, turn=number):
                deliver(call.body)
    deliver_what_is_rare(deliver)
    deliver_what_was_asked(api.ledger, deliver)
    follow(api.ledger)
    confirm = {"reason": "seen in the Back Office", "version": 1, "dry_run": False}
    path = f"{AT}/transactions/{'d0' * 16}/confirm"
    assert api.call(path, "operator", method="POST", json=confirm).status_code == 200
    follow(api.ledger)
    return api


def in_order(ledger: Ledger) -> Deliver:
    """Return what delivers a body, always with the same ids and moments."""
    numbers = count(1)

    def deliver(body: bytes, **more: Any) -> None:
        number = next(numbers)
        at = {"id": f"01KAFZ{number:020d}", "received_at": NOON + timedelta(seconds=number - 60)}
        receive(ledger, body, **at, **more)

    return deliver


def deliver_what_is_rare(deliver: Deliver) -> None:
    """Deliver what no example and no story tells: refusals that name something, other details,
    one payment without its uuid and with it, and a form that may be none."""
    refused = NO_TOKEN | {"vads_identifier": "refused-1", "vads_trans_uuid": "e1" * 16}
    deliver(form_body(refused | {"vads_hash": "1" * 64}))
    refused = NO_PLAN | {"vads_subscription": "refused-2", "vads_trans_uuid": "e2" * 16}
    deliver(form_body(refused | {"vads_hash": "2" * 64}))
    deliver(form_body(CARD | {"vads_card_number": "497010XXXXXX0063", "vads_hash": "3" * 64}))
    deliver(form_body(PLAN | {"vads_sub_effect_date": "2026-99-99", "vads_hash": "4" * 64}))
    number = {"trans_uuid": "f1" * 16, "trans_id": "900777"}
    deliver(a_form_call(**number | {"sequence_number": None}))
    deliver(a_form_call("CAPTURED", **number | {"trans_uuid": None}))
    deliver(a_form_call("CAPTURED", "BO", **number))
    doubtful = a_form_call(trans_uuid="d0" * 16, never_documented="x")
    deliver(doubtful, is_from_named_range=False)


def deliver_what_was_asked(ledger: Ledger, deliver: Deliver) -> None:
    """Let the platform answer about a subscription that nothing was told of, and tell it then."""
    text = parse_qs(example_body("rest-v4", "subscription-created").decode())["kr-answer"][0]
    whole = json.loads(text)
    payment = whole["transactions"][0] | {"uuid": "a5" * 16, "paymentMethodToken": "asked-1"}
    plan = {"subscriptionDetails": {"subscriptionId": "asked-2"}}
    payment["transactionDetails"] |= plan
    whole |= {"transactions": [payment]}
    whole["orderDetails"]["orderId"] = "asked-3"
    answered(ledger, about(payment["uuid"]), envelope(as_element(whole), at=NOON))
    deliver(rest_body(whole))


def documented(api: Asking) -> dict[str, Any]:
    """Ask for what the documents show."""
    by_type = {event["type"]: event for event in reversed(all_events(api))}
    events = {event_schema_name(topic): by_type[topic] for topic in sorted(by_type)}
    return {"schemas": objects(api) | events, "parameters": parameters(api)}


def all_events(api: Asking) -> list[dict[str, Any]]:
    """Return all events. Shape: positions have no gaps here."""
    items: list[dict[str, Any]] = []
    while page := api.get(f"/api/v1/events?limit=500&after={len(items)}")["items"]:
        items += page
    return items


def objects(api: Asking) -> dict[str, Any]:
    """Return an example of each object and item, by the name of its schema."""
    order = api.get(f"{AT}/orders/{PAYMENT['vads_order_id']}")
    unknown = api.call("/api/v1/transactions?limit=0")
    api.get(f"{AT}/transactions/{PAYMENT['vads_trans_uuid']}", "auditor-personal")
    access, *_ = api.get("/api/v1/access-log?kind=transaction", "operator")["items"]
    day, *_ = api.get("/api/v1/totals?mode=test&outcome=accepted&currency=EUR")["items"]
    names = {"kind": "transaction", "reference": PAYMENT["vads_trans_uuid"]}
    *_, line = api.get("/api/v1/audit-trail", query_string=names)["items"]
    return {
        "Transaction": api.get(f"{AT}/transactions/{PAYMENT['vads_trans_uuid']}"),
        "Alias": api.get(f"{AT}/aliases/{TOKEN['vads_identifier']}"),
        "Subscription": api.get(f"{AT}/subscriptions/{PLAN['vads_subscription']}"),
        "Order": order | {"transactions": []},
        "Notification": api.get("/api/v1/notifications/01KAFZ00000000000000000001"),
        "DailyTotal": day,
        "AuditTrailItem": line,
        "AccessAnswer": access | {"token_id": "01KAFZ7C4Q8R2M5V9T1B3D6F8H"},
        "ProblemAnswer": unknown.get_json() | {"request_id": REQUEST_ID},
    }


def parameters(api: Asking) -> dict[str, Any]:
    """Return an example of each parameter that needs one, by its name."""
    payment = api.get(f"{AT}/transactions/{PAYMENT['vads_trans_uuid']}")
    same = ("shop_id", "order_id", "status", "currency", "operation_type", "payment_method")
    seen = payment["first_seen_at"]
    return {
        **{name: payment[name] for name in (*same, "mode", "trans_id", "reference")},
        "name": payment["reference"],
        "alias": TOKEN["vads_identifier"],
        "subscription_id": PLAN["vads_subscription"],
        "type": "transaction.captured",
        "notification_id": "01KAFZ00000000000000000001",
        "position": 1,
        "amount_min": 1000,
        "amount_max": payment["amount_minor"],
        "day_from": payment["created_at"][:10],
        "day_until": payment["created_at"][:10],
        "created_from": payment["created_at"],
        **dict.fromkeys(("as_of", "first_seen_from", "changed_from", "recorded_from"), seen),
    }


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (item[method] for method in ("get", "post") if method in item)


def examples_now() -> str:
    """Return the examples as this code answers them."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/examples.sqlite"
        with opened(url) as database:
            migrate(database)
            prepare_views(database)
            answers = documented(a_service(database))
    return orjson.dumps(answers, option=orjson.OPT_INDENT_2).decode() + "\n"
