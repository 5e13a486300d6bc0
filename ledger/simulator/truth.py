"""What a ledger must hold after the calls it kept, in whatever order they arrived."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from ledger.simulator.expected import (
    ALIAS,
    TRANSACTION,
    Expected,
    Facts,
    alias_of,
    expected,
    transaction_facts,
)
from ledger.simulator.stories import REST
from ledger.simulator.telling import Telling

Allowed = dict[str, set[str | int]]
"""The values that a fact may have: one, unless nothing in the messages tells which came last."""

# Source: form-v2 reference, section 5.3. ERROR is the REST word for a technical refusal.
_STATUSES_BY_RANK = (
    "INITIAL WAITING_FOR_PAYMENT PENDING PRE_AUTHORISED",
    "UNDER_VERIFICATION WAITING_AUTHORISATION_TO_VALIDATE REFUND_TO_RETRY",
    "WAITING_AUTHORISATION",
    "AUTHORISED_TO_VALIDATE PARTIALLY_AUTHORISED",
    "AUTHORISED",
    "SUSPENDED CAPTURE_PENDING",
    "CAPTURED CAPTURE_FAILED REFUSED ERROR CANCELLED EXPIRED ACCEPTED ABANDONED NOT_CREATED",
)
RANK_BY_STATUS = {
    status: rank for rank, statuses in enumerate(_STATUSES_BY_RANK) for status in statuses.split()
}
FINAL_STATUSES = frozenset(_STATUSES_BY_RANK[-1].split())

_INSTALMENT_FACTS = ("status", "amount_minor", "currency")


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing of the platform. Shape: as `Expected`, with the allowed values of each fact."""

    kind: str
    id: str
    facts: Allowed
    instalments: dict[str, Allowed] = field(default_factory=dict)


def truths(kept: Sequence[Telling]) -> Iterator[Truth]:
    """Everything that these messages told and that has a name of its own.

    A buyer who left has none: `ledger/simulator/checking.py` looks for the events.
    """
    by_life = sorted(kept, key=lambda one: (one.life, one.call.sent_at))
    for _, told in groupby(by_life, attrgetter("life")):
        tellings = list(told)
        for one in expected(tellings):
            if one.id is not None:
                yield _widened(one, tellings)


def _widened(wanted: Expected, tellings: Sequence[Telling]) -> Truth:
    facts: Allowed = {name: {value} for name, value in wanted.facts.items()}
    if wanted.kind == TRANSACTION:
        facts = _allowed(str(wanted.id), facts, tellings)
    if wanted.kind == ALIAS and "status" in facts:
        facts["status"] |= _asked(str(wanted.id), tellings)
    instalments = {}
    for told in wanted.instalments:
        uuid = str(told["transaction_uuid"])
        own: Allowed = {name: {value} for name, value in told.items()}
        shared = _allowed(uuid, {name: own[name] for name in _INSTALMENT_FACTS}, tellings)
        instalments[uuid] = own | shared
    return Truth(wanted.kind, str(wanted.id), facts, instalments)


def _asked(alias: str, tellings: Sequence[Telling]) -> set[str | int]:
    """What really became of an alias last, which a message in REST only lets one guess."""
    told = [one.call for one in tellings if alias_of(one) == alias]
    words = [one.alias_status for one in told if one.alias_status in ("CREATED", "UPDATED")]
    return set(words[-1:])


def _allowed(uuid: str, facts: Allowed, tellings: Sequence[Telling]) -> Allowed:
    """What a transaction may be like: its last telling counts, and those that may have been."""
    told = [
        (telling, transaction_facts(telling, payment))
        for telling in tellings
        for payment in telling.shown
        if payment.uuid == uuid
    ]
    return {name: _values(name, told) or values for name, values in facts.items()}


def _values(name: str, told: Sequence[tuple[Telling, Facts]]) -> set[str | int]:
    those = [one for one in told if name in one[1]]
    if not those:
        return set()
    last = max(those, key=lambda one: (_finality(one[1]), one[0].call.sent_at))
    return {one[1][name] for one in those if one is last or not _is_ordered(one, last)}


def _is_ordered(one: tuple[Telling, Facts], other: tuple[Telling, Facts]) -> bool:
    """Whether the messages themselves tell which of two came first: a form has no time."""
    status, other_status = str(one[1]["status"]), str(other[1]["status"])
    if _finality(one[1]) != _finality(other[1]):
        return True
    if one[0].format == other[0].format == REST:
        return one[0].call.sent_at != other[0].call.sent_at
    both_known = status in RANK_BY_STATUS and other_status in RANK_BY_STATUS
    return both_known and RANK_BY_STATUS[status] != RANK_BY_STATUS[other_status]


def _finality(facts: Facts) -> int:
    if facts["status"] == "CAPTURED":
        return 2  # also ends CAPTURE_FAILED
    return 1 if facts["status"] in FINAL_STATUSES else 0
