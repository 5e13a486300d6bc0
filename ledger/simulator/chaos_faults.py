"""Draw what goes wrong with a call: delays, forgeries, fields and statuses of the future."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.simulator.chaos_attempts import DeliveryReason, Fate
from ledger.simulator.payment_lives import Call

PATIENCE = timedelta(seconds=10)
"""After which the platform holds a call for failed, and what arrives later comes late."""

CHANCE = {
    DeliveryReason.DUPLICATE: 0.12,
    DeliveryReason.TWIN: 0.15,
    DeliveryReason.FORGED: 0.06,
    DeliveryReason.RESENT: 0.05,
}

_WEIGHT_BY_FATE = {
    Fate.ANSWERED: 62,
    Fate.UNANSWERED: 9,
    Fate.LATE: 12,
    Fate.LOST: 7,
    Fate.CUT: 4,
    Fate.MISSIGNED: 6,
}
_QUARTER = timedelta(minutes=15)
_UNKNOWN_FIELD_CHANCE = 0.10
_UNKNOWN_STATUS_CHANCE = 0.06
_OPEN_STATUSES = ("AUTHORISED", "AUTHORISED_TO_VALIDATE", "UNDER_VERIFICATION")


def draw_nonce(rng: random.Random) -> str:
    """Return what makes a call unlike any other. Shape: 64 hex digits."""
    return f"{rng.getrandbits(256):064x}"


def draw_fate(rng: random.Random) -> Fate:
    """Return the fate of one delivery by the platform."""
    return rng.choices([*_WEIGHT_BY_FATE], [*_WEIGHT_BY_FATE.values()])[0]


def draw_delay(fate: Fate, rng: random.Random) -> timedelta:
    """Return the time from sending to arrival."""
    if fate is Fate.LATE:
        longest = rng.choice((timedelta(minutes=5), timedelta(hours=2), timedelta(days=4)))
        return PATIENCE + rng.random() * longest
    return rng.random() * PATIENCE


def next_quarter(at: datetime) -> datetime:
    """Return the next minute 0, 15, 30 or 45, at which the platform retries."""
    begun = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    return begun + _QUARTER


def forge(call: Call, rng: random.Random) -> Call:
    """Return what a stranger would like the merchant to believe."""
    payment, *rest = call.payments
    payment = payment.changed(
        status="CAPTURED", amount_minor=payment.amount_minor + 100_000, refusal=None
    )
    return replace(call, nonce=draw_nonce(rng), payments=(payment, *rest))


def add_unknown_field(call: Call, rng: random.Random) -> Call:
    """Return the call, now and then with a field that no reference describes."""
    if rng.random() >= _UNKNOWN_FIELD_CHANCE:
        return call
    text = rng.choice(("", "x", "é+=&", "<b>", "'--"))
    return replace(call, unknown_fields={"field_of_2027": text})


def add_unknown_statuses(calls: Sequence[Call], rng: random.Random) -> Iterator[Call]:
    """Yield the calls, and between them now and then one with an unknown status and source."""
    for call in calls:
        yield call
        if _may_change(call) and rng.random() < _UNKNOWN_STATUS_CHANCE:
            payment = call.payments[0].changed(status="UNHEARD_OF_2027")
            yield replace(
                call,
                step="unknown status",
                source="SOURCE_OF_2027",
                sent_at=call.sent_at + timedelta(seconds=1),
                nonce=draw_nonce(rng),
                payments=(payment, *call.payments[1:]),
            )


def _may_change(call: Call) -> bool:
    """Return True if the call is about one plain payment whose status is not final."""
    references = (call.alias, call.alias_status, call.subscription_id, call.subscription_status)
    payment = call.payment
    if payment is None or any(references) or call.is_split or payment.alias:
        return False
    return payment.status in _OPEN_STATUSES
