"""Say what a ledger may hold after the calls it recorded, in whatever order they arrived."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from ledger.simulator.expected_objects import (
    ALIAS,
    TRANSACTION,
    ExpectedObject,
    Facts,
    alias_of,
    expected,
    transaction_facts,
)
from ledger.simulator.signed_calls import SignedCall
from ledger.simulator.stories import REST

AllowedFacts = dict[str, set[str | int]]
"""The values that a fact may have: one, unless nothing in the calls tells which came last."""

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
class AllowedState:
    """One object of the platform. Shape: as `ExpectedObject`, with what each fact may be."""

    kind: str
    id: str
    allowed_facts: AllowedFacts
    allowed_instalments: dict[str, AllowedFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Observation:
    """What one call says about one transaction."""

    signed_call: SignedCall
    facts: Facts

    @property
    def status(self) -> str:
        return str(self.facts["status"])

    @property
    def finality(self) -> int:
        if self.status == "CAPTURED":
            return 2  # also ends CAPTURE_FAILED
        return 1 if self.status in FINAL_STATUSES else 0

    def is_before_all(self, observations: "Sequence[_Observation]") -> bool:
        """Return True if the calls themselves tell that this one came before all of these.

        Of a form, which has no time, of a later call and of a third with a status that has no rank,
        each may come behind another: then nothing tells which was last.
        """
        return all(self._precedes(other) for other in observations)

    def _precedes(self, other: "_Observation") -> bool:
        if self.finality != other.finality:
            return self.finality < other.finality
        if self.signed_call.format == other.signed_call.format == REST:
            return self.signed_call.call.sent_at < other.signed_call.call.sent_at
        rank, other_rank = map(RANK_BY_STATUS.get, (self.status, other.status))
        return rank is not None and other_rank is not None and rank < other_rank


def allowed_states(recorded_calls: Sequence[SignedCall]) -> Iterator[AllowedState]:
    """Yield the state of every object that these calls are about and that has a name of its own.

    A buyer who left has none: `ledger/simulator/ledger_checker.py` looks for the events.
    """
    by_life = sorted(recorded_calls, key=lambda call: (call.life_number, call.call.sent_at))
    for _, calls_of_life in groupby(by_life, lambda call: call.life_number):
        signed_calls = list(calls_of_life)
        for expected_object in expected(signed_calls):
            if expected_object.id is not None:
                yield _widen(expected_object, signed_calls)


def _widen(expected_object: ExpectedObject, signed_calls: Sequence[SignedCall]) -> AllowedState:
    object_id = str(expected_object.id)
    allowed_facts: AllowedFacts = {name: {value} for name, value in expected_object.facts.items()}
    if expected_object.kind == TRANSACTION:
        allowed_facts = _allow_concurrent(object_id, allowed_facts, signed_calls)
    if expected_object.kind == ALIAS and "status" in allowed_facts:
        allowed_facts["status"] |= _last_alias_status(object_id, signed_calls)
    instalments = {}
    for instalment in expected_object.instalments:
        uuid = str(instalment["transaction_uuid"])
        own_facts: AllowedFacts = {name: {value} for name, value in instalment.items()}
        shared = {name: own_facts[name] for name in _INSTALMENT_FACTS}
        instalments[uuid] = own_facts | _allow_concurrent(uuid, shared, signed_calls)
    return AllowedState(expected_object.kind, object_id, allowed_facts, instalments)


def _last_alias_status(alias: str, signed_calls: Sequence[SignedCall]) -> set[str | int]:
    """Return what really became of an alias last, which a REST call only lets one guess."""
    calls = [signed_call.call for signed_call in signed_calls if alias_of(signed_call) == alias]
    statuses = [call.alias_status for call in calls if call.alias_status in ("CREATED", "UPDATED")]
    return set(statuses[-1:])


def _allow_concurrent(
    uuid: str, allowed_facts: AllowedFacts, signed_calls: Sequence[SignedCall]
) -> AllowedFacts:
    """Return the facts of the last call about a transaction, and of those that may be the last."""
    observations = [
        _Observation(signed_call, transaction_facts(signed_call, payment))
        for signed_call in signed_calls
        for payment in signed_call.shown_payments
        if payment.uuid == uuid
    ]
    return {
        name: _last_values(name, observations) or values for name, values in allowed_facts.items()
    }


def _last_values(name: str, observations: Sequence[_Observation]) -> set[str | int]:
    with_fact = [observation for observation in observations if name in observation.facts]
    if not with_fact:
        return set()
    may_be_last = [max(with_fact, key=_in_time)]
    earlier = [each for each in with_fact if each is not may_be_last[0]]
    while unsure := [each for each in earlier if not each.is_before_all(may_be_last)]:
        may_be_last += unsure
        earlier = [each for each in earlier if each not in unsure]
    return {observation.facts[name] for observation in may_be_last}


def _in_time(observation: _Observation) -> tuple[int, datetime]:
    return observation.finality, observation.signed_call.call.sent_at
