"""Answers operators: which keys the service holds, and which calls fail since when."""

from typing import Any

from flask import Response

from ledger.instants import write_public_instant
from ledger.ipn.modes import MODES, PUBLIC_MODES, Mode
from ledger.ipn.shops_and_keys import KINDS
from ledger.queries.filter_declarations import DELIVERY_FORMATS
from ledger.queries.keys_held import (
    LATEST_CALLS,
    FailingCalls,
    HeldKey,
    ShopKeys,
    keys_held,
)
from web.api.answer_fields import answer_schema, attributes, flag, instant, many, number, text
from web.api.object_answers import CURSOR, NEWEST
from web.api.responses import a_blueprint, answer_page
from web.api.vocabulary import KNOWN
from web.authentication import only_for_operators, scope_of
from web.context import context, ledger

bp = a_blueprint("keys", "Keys of the shops, never their secrets, and the calls that fail.")

HeldKeyAnswer = answer_schema(
    "HeldKey",
    fingerprint=text("names the key without revealing it, as `ledger check` does"),
    kind=text(choices=KINDS),
    format=text(
        "of the notifications that it verifies; null for the key of the browser's return",
        none=True,
        vocabulary=DELIVERY_FORMATS,
    ),
    valid_from_at=instant("null: it has always been valid", none=True),
    valid_until_at=instant("null: it has no end", none=True),
    is_valid=flag("it verifies what arrives now"),
    last_verified_at=instant(
        f"when the newest call that it verified arrived; null: none of the last {LATEST_CALLS:,}"
        " of its shop and mode",
        none=True,
    ),
)
FailingReasonAnswer = answer_schema(
    "FailingReason", reason=text(vocabulary=KNOWN["reason"]), count=number()
)
FailingCallsAnswer = answer_schema(
    "FailingCalls",
    **attributes(FailingCalls, "count first_at last_at", count="calls that wait in quarantine"),
    format=text(vocabulary=DELIVERY_FORMATS),
    reasons=many(FailingReasonAnswer, "the most frequent first"),
    last_verified_at=instant("when the newest verified call of this format arrived", none=True),
    failing_since_at=instant(
        "no call of this format has been verified since then; null when one was", none=True
    ),
)
ShopKeysAnswer = answer_schema(
    "ShopKeys",
    shop_id=text("of the shops file, or a number that calls name and it does not have"),
    mode=text(choices=PUBLIC_MODES),
    keys=many(HeldKeyAnswer),
    failing=many(FailingCallsAnswer, "by format; empty when nothing waits for a key"),
)
KeysAnswer = answer_schema(
    "KeysAnswer", items=many(ShopKeysAnswer), next_cursor=CURSOR, newest_position=NEWEST
)


@bp.route("/keys")
@bp.response(200, KeysAnswer)
@only_for_operators
def list_keys() -> Response:
    """List the keys that the service holds, and the calls that no key lets pass.

    For each shop and mode: every key by its fingerprint, when it last verified a call, and what
    waits in quarantine for the right key.
    """
    now = context().clock()
    with ledger().database.connect() as connection:
        cards = [
            card
            for mode in MODES
            for card in keys_held(connection, ledger().shops, scope_of(mode), now=now)
        ]
    return answer_page(list(map(_card_data, cards)), None)


def _card_data(card: ShopKeys) -> dict[str, Any]:
    return {
        "shop_id": card.shop_id,
        "mode": Mode(card.mode).public,
        "keys": list(map(_key_data, card.keys)),
        "failing": list(map(_failing_data, card.failing)),
    }


def _key_data(held_key: HeldKey) -> dict[str, Any]:
    last = held_key.last_verified_at
    return {
        "fingerprint": held_key.fingerprint,
        "kind": held_key.kind,
        "format": held_key.format,
        "valid_from_at": held_key.not_before and write_public_instant(held_key.not_before),
        "valid_until_at": held_key.not_after and write_public_instant(held_key.not_after),
        "is_valid": held_key.is_valid,
        "last_verified_at": last and write_public_instant(last),
    }


def _failing_data(failing: FailingCalls) -> dict[str, Any]:
    last, since = failing.last_verified_at, failing.all_fail_since
    return {
        "format": failing.format,
        "count": failing.count,
        "first_at": write_public_instant(failing.first_at),
        "last_at": write_public_instant(failing.last_at),
        "reasons": [{"reason": each, "count": count} for each, count in failing.reasons.items()],
        "last_verified_at": last and write_public_instant(last),
        "failing_since_at": since and write_public_instant(since),
    }
