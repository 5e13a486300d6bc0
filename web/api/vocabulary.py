"""The words that stand in answers: those that are all there are, and those that may become more.

A closed list is an `enum`. An open one is text with `x-extensible-enum`: whoever reads it goes on
when the platform, or a later version of this service, says a word that is not in it.
Source: Zalando RESTful API guidelines, rule 112.
"""

from collections.abc import Mapping

from ledger.access.roles import ROLES
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.ipn.field_values import LIABILITY_SHIFTS, OPERATIONS, REQUESTS
from ledger.ipn.kinds import KINDS
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.notification_rules import (
    HINTED,
    INFERRED,
    REDELIVERIES,
    RULE_BY_SOURCE,
    RULES,
    TOLD,
)
from ledger.ipn.refusal_reasons import REASONS
from ledger.ipn.snapshots import CREATED, NO, NOT_CREATED, UPDATED, YES
from ledger.ipn.statuses import RANKS
from ledger.projections.engine.generations import BUILDING, BUILT, LIVE, RETIRED
from ledger.projections.money_outcomes import OUTCOMES
from ledger.queries.filter_declarations import DELIVERY_FORMATS
from ledger.recording.readmission import GONE
from ledger.storage.outcomes import Outcome

Words = tuple[str, ...]

CLOSED: Mapping[str, Words] = {
    "mode": PUBLIC_MODES,
    "kind": KINDS,
    "rule_certainty": (TOLD, HINTED, INFERRED),
    "outcome": tuple(outcome.value for outcome in Outcome),
}
"""All words that a field of this name can hold."""

READMISSION_OUTCOMES: Words = (*CLOSED["outcome"], GONE)
LINK_CERTAINTIES: Words = (TOLD, INFERRED)

KNOWN: Mapping[str, Words] = {
    "type": tuple(EVENT_CLASSES),
    "rule": tuple(RULES),
    "source": (*RULE_BY_SOURCE, *sorted(REDELIVERIES)),
    "reason": tuple(REASONS),
    "format": DELIVERY_FORMATS,
    "role": ROLES,
    "state": (BUILDING, BUILT, LIVE, RETIRED),
    "status": tuple(RANKS),
    "operation_type": tuple(sorted(OPERATIONS)),
    "request": tuple(sorted(REQUESTS)),
    "liability_shift": tuple(sorted(LIABILITY_SHIFTS)),
    "instalment": (YES, NO),
}
"""The words that are known today of a field of this name."""

ALIAS_STATUSES: Words = (CREATED, UPDATED, NOT_CREATED)
SUBSCRIPTION_STATUSES: Words = (CREATED, NOT_CREATED)
TOTAL_OUTCOMES: Words = tuple(sorted(OUTCOMES))

ERASURE = "when what else it said was erased, and where the log says so; only if it was"
SEALED = (
    "what became of all that stands beside facts and harmless details: nothing else, closed to this"
    " reader, opened, erased, locked by a master key that is not here, or damaged"
)
