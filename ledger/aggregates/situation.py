"""One snapshot beside what was known of its transaction: what changed, and which rule sent it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import Changes, instant_of
from ledger.ipn import notification_rules as rules
from ledger.ipn.snapshots import Fact, is_instalment
from ledger.ipn.statuses import REFUSED, is_same_outcome

_WAITING = frozenset({"WAITING_AUTHORISATION", "WAITING_AUTHORISATION_TO_VALIDATE"})
_GRANTED = frozenset({"AUTHORISED", "AUTHORISED_TO_VALIDATE"})
_MOMENT = timedelta(minutes=1)
_OF_PLATFORM = re.compile("9[0-9]{5}")
"""Numbers from 900000 on; a merchant's own may be of letters and digits, which say nothing."""
_VALIDATIONS = frozenset(
    {
        ("AUTHORISED_TO_VALIDATE", "AUTHORISED"),
        ("WAITING_AUTHORISATION_TO_VALIDATE", "WAITING_AUTHORISATION"),
        ("WAITING_AUTHORISATION_TO_VALIDATE", "AUTHORISED"),
    }
)


@dataclass(frozen=True)
class Situation:
    """What a snapshot meets.

    Shape: `known_facts` are those before, `facts` those of the snapshot; `is_known` says that the
    transaction has events already.
    """

    known_facts: Mapping[str, Fact]
    facts: Mapping[str, Fact]
    changes: Changes
    occasion: Occasion
    is_known: bool

    @property
    def status(self) -> str:
        return str(self.facts.get("status", ""))

    @property
    def status_before(self) -> str:
        """Return the status known before; empty for the first snapshot, and for a late one."""
        if self.changes.is_late and not self.changes.is_contradiction:
            return ""
        return str(self.known_facts.get("status", ""))

    @property
    def has_same_status(self) -> bool:
        return bool(self.status_before) and is_same_outcome(self.status_before, self.status)

    @property
    def operation(self) -> str:
        return str(self.facts.get("operation_type", self.known_facts.get("operation_type", "")))

    @property
    def is_refused(self) -> bool:
        return self.status in REFUSED

    @property
    def is_granted(self) -> bool:
        return self.status in _GRANTED

    @property
    def is_validation(self) -> bool:
        return (self.status_before, self.status) in _VALIDATIONS

    @property
    def has_waited(self) -> bool:
        """Return True if the transaction was waiting for its authorisation before."""
        return self.status_before in _WAITING

    @property
    def was_made_now(self) -> bool:
        """Return True if the platform made the transaction within a minute of its message."""
        made_at, told_at = instant_of(self.facts, "created_at"), self.occasion.told_at
        return made_at is not None and told_at is not None and abs(told_at - made_at) < _MOMENT

    @property
    def is_made_by_operator(self) -> bool:
        """Return True if an operation in the Back Office made the transaction.

        A form says in a signed field that an operator did something, and numbers what the platform
        itself makes. An answer is numbered so however it was made, and only hints at the operator:
        it must be new, and name the payment that it repeats or a channel of operators.

        Source: form-v2 reference, section 6.8; rest-v4 reference, sections 1.1 and 3.5.
        """
        if self.occasion.rule_certainty == rules.TOLD:
            has_number_of_platform = _OF_PLATFORM.fullmatch(str(self.facts.get("trans_id", "")))
            return bool(has_number_of_platform) and not is_instalment(self.facts)
        return self.was_made_now and ("parent_uuid" in self.facts or self.is_by_telephone)

    @property
    def is_by_telephone(self) -> bool:
        """Return True for what was paid by mail or telephone: somebody has typed it."""
        return self.facts.get("payment_source") == "MOTO"

    def replaces(self, name: str) -> bool:
        """Return True if the snapshot replaces a known value by another."""
        return name in self.changes.moved and name in self.known_facts

    def rule(self) -> tuple[str, str]:
        """Return the rule that sent the notification, and how certain that is."""
        rule, certainty = self.occasion.rule, self.occasion.rule_certainty
        if rule is None:
            rule, certainty = self._inferred_rule(), rules.INFERRED
        if rule == rules.END_OF_PAYMENT and self.operation == "VERIFICATION":
            rule = rules.SUBSCRIPTION if "subscription_id" in self.facts else rules.ALIAS
        return rule, certainty

    def _inferred_rule(self) -> str:
        """Read the rule from the content: a redelivery has lost its source."""
        if self.status == "ABANDONED":
            return rules.CANCELLATION
        if is_instalment(self.facts) and is_instalment({**self.known_facts, **self.facts}):
            return rules.INSTALMENT
        if self.operation == "CREDIT":
            return rules.BACK_OFFICE
        if not self.status_before:
            return rules.END_OF_PAYMENT
        if self.has_same_status:
            has_new_terms = not {"amount_minor", "capture_at"}.isdisjoint(self.changes.moved)
            return rules.BACK_OFFICE if has_new_terms else rules.END_OF_PAYMENT
        if self.status == "CANCELLED" or self.is_validation:
            return rules.BACK_OFFICE
        if self.has_waited and (self.is_granted or self.is_refused):
            return rules.DEFERRED_AUTHORISATION
        return rules.ACQUIRER_STATUS
