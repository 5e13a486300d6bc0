"""A payer's stored means of payment: registered, changed, refused, or met in use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.news import Recall, no_recall
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import Changes, Observation, Precedence, instant_of
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    CREATED,
    NOT_CREATED,
    NOT_UPDATED,
    UPDATED,
    AliasSnapshot,
    Fact,
)


class Alias(LedgerAggregate):
    """One stored means of payment of one shop; the platform's token."""

    TOPIC = KIND = Kind.ALIAS
    ASSIGNED = ("status",)

    class Event(LedgerAggregate.Event):
        """Ordered by when the platform recorded the transaction that named the alias.

        Shape: `status` is what the alias has come to with this event: CREATED, UPDATED or
        NOT_CREATED.
        """

        FACTS = ALIAS_FACTS

        status: str = CREATED

        @property
        def ordered_by(self) -> datetime | None:
            return instant_of(self.facts, "made_at")

    Registered = Event.called("alias.registered")
    Renewed = Event.called("alias.renewed")
    Recognised = Event.called("alias.recognised")
    Noticed = Event.called("alias.noticed", counts_for_order=False)
    RegistrationRefused = Event.called("alias.registration-refused", counts_for_order=False)
    RenewalRefused = Event.called("alias.renewal-refused", counts_for_order=False)

    DetailsReported = Event.called("alias.details-reported", counts_for_order=False)
    ConfirmedByCall = Event.called("alias.confirmed-by-call", counts_for_order=False)

    status: str

    def observe(
        self, snapshot: AliasSnapshot, occasion: Occasion, recall: Recall = no_recall
    ) -> bool:
        """Record what a snapshot says otherwise than before; return True if it did."""
        self.begin_anew(occasion)
        is_use = not snapshot.was_asked and (self.is_known or not snapshot.is_accepted)
        if is_use and not self.is_confirmed_by(snapshot.facts, occasion):
            return False  # a payment by alias changes the transaction, not the alias
        facts = snapshot.facts
        if not snapshot.was_asked:  # any use reports the same, whichever arrives first
            facts = {name: facts[name] for name in facts if name == "payment_method"}
        made_at = instant_of(facts, "made_at")
        changes = self.changes(facts, occasion, ordered_by=made_at)
        if not snapshot.is_accepted:
            changes = replace(changes, moved=())  # what was behind the alias stays
        event_class = self._event_class(snapshot, changes, occasion, recall, is_use=is_use)
        if event_class is None:
            return False
        rule, certainty = rules.ALIAS, rules.TOLD if "request" in snapshot.facts else rules.INFERRED
        if occasion.rule == rules.BACK_OFFICE:
            rule, certainty = rules.BACK_OFFICE, occasion.rule_certainty
        self._record(
            event_class,
            facts,
            changes,
            occasion,
            reference=snapshot.alias,
            status=self._status_after(event_class, facts, occasion),
            rule=rule,
            rule_certainty=certainty,
            occurred_at=made_at,
            odd=list(snapshot.odd) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
            suspected=list(snapshot.suspected) or None,
        )
        return True

    def _event_class(
        self,
        snapshot: AliasSnapshot,
        changes: Changes,
        occasion: Occasion,
        recall: Recall,
        *,
        is_use: bool,
    ) -> type[Event] | None:
        """Return which event a snapshot makes; None if it says nothing new."""
        named_texts = [*snapshot.details, *snapshot.personal]
        if changes.has_changes or not self.is_known:
            return self._classify(snapshot, changes)
        if not is_use and self.has_news(named_texts, changes, occasion, recall):
            return self.DetailsReported
        return self.ConfirmedByCall if self.is_confirmed_by(snapshot.facts, occasion) else None

    def _status_after(
        self, event_class: type[Event], facts: Mapping[str, Fact], occasion: Occasion
    ) -> str:
        if self.is_beyond_doubt(occasion):
            return _status(self.observations)
        precedence = Precedence(None, instant_of(facts, "made_at"), occasion.received_at)
        observation = Observation(self.next_place, event_class.TOPIC, precedence, facts, True)
        return _status([*self.observations, observation])

    def _classify(self, snapshot: AliasSnapshot, changes: Changes) -> type[Event]:
        request = snapshot.facts.get("request")
        if not snapshot.is_accepted:
            is_renewal = request == NOT_UPDATED or (request is None and self.is_known)
            return self.RenewalRefused if is_renewal else self.RegistrationRefused
        if not snapshot.was_asked:
            return self.Noticed
        if snapshot.is_known_means:
            return self.Recognised
        if request is None:  # the first accepted check of an alias made it; a later one changed it
            is_first = changes.is_late or not _in_order(self.observations, _ACCEPTED)
            return self.Registered if is_first else self.Renewed
        return self.Renewed if request == UPDATED else self.Registered


_ACCEPTED = (Alias.Registered.TOPIC, Alias.Renewed.TOPIC, Alias.Recognised.TOPIC)


def _status(observations: Sequence[Observation]) -> str:
    """Return what an alias has come to; the same in whatever order the notifications arrived."""
    accepted = _in_order(observations, _ACCEPTED)
    if not accepted:
        existing = _in_order(observations, (Alias.Noticed.TOPIC, Alias.RenewalRefused.TOPIC))
        return CREATED if existing else NOT_CREATED
    request = accepted[-1].facts.get("request")
    if request in (CREATED, UPDATED):
        return str(request)
    changed_by = {
        observation.facts.get("transaction_uuid")
        for observation in accepted
        if observation.topic != Alias.Recognised.TOPIC
    }
    return UPDATED if len(changed_by) > 1 else CREATED


def _in_order(observations: Sequence[Observation], topics: Sequence[str]) -> list[Observation]:
    """Return the observations of some topics, in the order in which the platform made them."""
    return sorted(
        (observation for observation in observations if observation.topic in topics),
        key=lambda known: known.precedence.told_at or known.precedence.received_at,
    )
