"""A payer's stored means of payment: made, changed, refused, or met in use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ledger.aggregates.observed import News, Observed, Occasion, Telling, bind_events, stream_id
from ledger.formats.snapshot import (
    CREATED,
    NOT_CREATED,
    NOT_UPDATED,
    UPDATED,
    AliasSnapshot,
    Fact,
)
from ledger.instants import read_platform_instant
from ledger.rules import ALIAS, BACK_OFFICE, INFERRED, TOLD
from ledger.statuses import Standing


class Alias(Observed):
    """One stored means of payment of one shop; the platform's token."""

    TOPIC = "alias"
    KIND = "alias"

    class Event(Observed.Event):
        """Ordered by when the platform recorded the transaction that told of the alias.

        Shape: `status` is what the alias has come to with this event: CREATED, UPDATED or
        NOT_CREATED.
        """

        status: str = CREATED

        @property
        def ordered_by(self) -> datetime | None:
            return _made_at(self.facts)

    class Registered(Event):
        TOPIC = "alias.registered"

    class Renewed(Event):
        TOPIC = "alias.renewed"

    class Recognised(Event):
        TOPIC = "alias.recognised"

    class Noticed(Event):
        TOPIC = "alias.noticed"
        IS_ASIDE = True

    class RegistrationRefused(Event):
        TOPIC = "alias.registration-refused"
        IS_ASIDE = True

    class RenewalRefused(Event):
        TOPIC = "alias.renewal-refused"
        IS_ASIDE = True

    @staticmethod
    def id_of(shop_id: str, mode: str, alias: str) -> UUID:
        return stream_id("alias", shop_id, mode, alias)

    status: str

    def take(self, event: Observed.Event) -> None:
        """Assign what an event says."""
        super().take(event)
        assert isinstance(event, Alias.Event)
        self.status = event.status

    def observe(self, snapshot: AliasSnapshot, occasion: Occasion) -> bool:
        """Record what a snapshot adds to what is known; say whether it added anything."""
        if not snapshot.was_asked and (self.is_known or not snapshot.is_accepted):
            return False  # a payment by alias is the transaction's news, not the alias's
        facts = snapshot.facts
        if not snapshot.was_asked:  # any use tells the same, whichever we hear of first
            facts = {name: facts[name] for name in facts if name == "payment_method"}
        news = self.news(facts, occasion, ordered_by=_made_at(facts))
        if not snapshot.is_accepted:
            news = replace(news, moved=())  # what was behind the alias stays
        if not news and self.is_known:
            return False
        rule = occasion.rule if occasion.rule == BACK_OFFICE else ALIAS
        certainty = occasion.rule_certainty if rule == BACK_OFFICE else _certainty(snapshot)
        event_class = self._meaning(snapshot, news)
        standing = Standing(None, _made_at(facts), occasion.received_at)
        telling = Telling(self.version + 1, event_class.TOPIC, standing, facts, is_aside=False)
        self.tell(
            event_class,
            facts,
            news,
            occasion,
            reference=snapshot.alias,
            status=_status([*self.tellings, telling]),
            rule=rule,
            rule_certainty=certainty,
            occurred_at=_made_at(facts),
            personal=snapshot.personal or None,
        )
        return True

    def _meaning(self, snapshot: AliasSnapshot, news: News) -> type[Event]:
        request = snapshot.facts.get("request")
        if not snapshot.is_accepted:
            is_renewal = request == NOT_UPDATED or (request is None and self.is_known)
            return self.RenewalRefused if is_renewal else self.RegistrationRefused
        if not snapshot.was_asked:
            return self.Noticed
        if snapshot.is_known_means:
            return self.Recognised
        if request is None:  # the first accepted check of an alias made it; a later one changed it
            is_first = news.is_late or not _told_as(_ACCEPTED, self.tellings)
            return self.Registered if is_first else self.Renewed
        return self.Renewed if request == UPDATED else self.Registered


bind_events(Alias)

_SAME_MEANS = frozenset({Alias.Recognised.TOPIC})
_ACCEPTED = frozenset({Alias.Registered.TOPIC, Alias.Renewed.TOPIC}) | _SAME_MEANS
_EXISTING = frozenset({Alias.Noticed.TOPIC, Alias.RenewalRefused.TOPIC})


def _status(tellings: Sequence[Telling]) -> str:
    """What an alias has come to; the same whatever order the calls arrived in."""
    accepted = _told_as(_ACCEPTED, tellings)
    if not accepted:
        return CREATED if _told_as(_EXISTING, tellings) else NOT_CREATED
    told = accepted[-1].facts.get("request")
    if told in (CREATED, UPDATED):
        return str(told)
    changes = {
        one.facts.get("transaction_uuid") for one in accepted if one.topic not in _SAME_MEANS
    }
    return UPDATED if len(changes) > 1 else CREATED


def _told_as(topics: frozenset[str], tellings: Sequence[Telling]) -> list[Telling]:
    """The tellings of some kinds, in the order in which the platform made them."""
    told = [one for one in tellings if one.topic in topics]
    return sorted(told, key=lambda one: one.standing.told_at or one.standing.received_at)


def _made_at(facts: Mapping[str, Fact]) -> datetime | None:
    told = facts.get("made_at")
    return None if told is None else read_platform_instant(str(told))


def _certainty(snapshot: AliasSnapshot) -> str:
    return TOLD if "request" in snapshot.facts else INFERRED
