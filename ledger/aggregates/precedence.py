"""Which of two notifications about the same thing is older, and whether it may move the state.

Source: design decision "late news moves nothing back": a final status is not left, then the
platform's own time decides, then the rank of the status, then arrival. Between a call without
a time and a dated one, the arrival of the first stands in for its time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ledger.instants import read_platform_instant
from ledger.ipn.snapshots import Fact
from ledger.ipn.statuses import FINAL, RANKS, is_same_outcome

CLOCKS_DIFFER_BY = timedelta(seconds=5)
"""The platform's clock and ours may differ by so much, and a call be so long under way."""


@dataclass(frozen=True, slots=True)
class Precedence:
    """The place of one notification among all that are about the same thing.

    Shape: `is_fresh` says that a call without a time was made when it was sent, so that its arrival
    says when.
    """

    status: str | None
    told_at: datetime | None
    received_at: datetime
    is_fresh: bool = False

    def precedes(self, other: "Precedence") -> bool:
        """Return True if this notification is older than the other one."""
        if contradicts(other.status, self.status):
            return True  # the first final status stands
        finality, other_finality = _finality(self.status), _finality(other.status)
        if finality != other_finality:
            return finality < other_finality
        if self.told_at and other.told_at and self.told_at != other.told_at:
            return self.told_at < other.told_at
        ranks = [RANKS[each.status] for each in (self, other) if each.status in RANKS]
        if len(set(ranks)) == 2:
            return ranks[0] < ranks[1]
        if self._is_dated_beside(other) and abs(self._dated - other._dated) > CLOCKS_DIFFER_BY:
            return self._dated < other._dated
        return self.received_at < other.received_at

    def _is_dated_beside(self, other: "Precedence") -> bool:
        """Return True if one of two has a time of its own, and the arrival of the other says it."""
        undated = [each for each in (self, other) if each.told_at is None]
        return len(undated) == 1 and undated[0].is_fresh

    @property
    def _dated(self) -> datetime:
        return self.told_at or self.received_at


Place = tuple[UUID, int]
"""The stream of an event, and its version there."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one recorded event reported, for comparison with later snapshots.

    Shape: what does not count for order never holds the state against another notification, nor
    does one of the facts that are derived.
    """

    place: Place
    topic: str
    precedence: Precedence
    facts: Mapping[str, Fact]
    counts_for_order: bool
    derived: Collection[str] = ()

    def holds(self, name: str) -> bool:
        """Return True if it reported a fact itself."""
        return name in self.facts and name not in self.derived


@dataclass(frozen=True, slots=True)
class Changes:
    """What a snapshot adds: facts never reported before, and those that move the state."""

    added: Sequence[str]
    moved: Sequence[str]
    is_late: bool
    is_contradiction: bool

    @property
    def has_changes(self) -> bool:
        return bool(self.added or self.moved)


def contradicts(known_status: str | None, status: str | None) -> bool:
    """Return True if a final status is followed by one that cannot come after it.

    CAPTURE_FAILED then CAPTURED is the one known innocent pair.
    """
    if status is None or known_status not in FINAL or is_same_outcome(known_status, status):
        return False
    if {known_status, status} == {"CAPTURE_FAILED", "CAPTURED"}:
        return False
    return status in FINAL or status not in RANKS


def is_same(name: str, fact: Fact, fact_before: Fact) -> bool:
    """Return True if two values of a fact say the same."""
    return fact == fact_before or (
        name == "status" and is_same_outcome(str(fact), str(fact_before))
    )


def has_reported(observations: Iterable[Observation], name: str, fact: Fact) -> bool:
    """Return True if one of these has reported a fact with the same meaning."""
    reports = (known.facts[name] for known in observations if name in known.facts)
    return any(is_same(name, report, fact) for report in reports)


def confirmation(
    known_facts: Mapping[str, Fact], observations: Sequence[Observation], confirmed_at: datetime
) -> Observation:
    """Return what a repeat at this time reports: all that is known, as it stands."""
    first, last = observations[0], observations[-1]
    precedence = Precedence(status_of(known_facts), confirmed_at, first.precedence.received_at)
    derived = [name for name in known_facts if not any(known.holds(name) for known in observations)]
    return Observation(last.place, last.topic, precedence, known_facts, True, derived)


def newest_reporting(observations: Sequence[Observation], facts: Mapping[str, Fact]) -> Observation:
    """Return the newest of these that reported most of some facts."""

    def confirmed(known: Observation) -> int:
        return sum(fact in known.facts.items() for fact in facts.items())

    return max(reversed(observations), key=confirmed)


def confirmed_by(
    facts: Mapping[str, Fact], known_facts: Mapping[str, Fact], names: Iterable[str]
) -> set[str]:
    """Return which of some known facts these facts confirm."""
    return {
        name
        for name in names
        if name in facts and name in known_facts and is_same(name, facts[name], known_facts[name])
    }


def status_of(facts: Mapping[str, Fact]) -> str | None:
    """Return the status among some facts; None when they name none."""
    status = facts.get("status")
    return None if status is None else str(status)


def instant_of(facts: Mapping[str, Fact], name: str) -> datetime | None:
    """Return an instant among some facts; None when it is not there."""
    return read_platform_instant(str(facts[name])) if name in facts else None


def facts_that_move(
    known_facts: Mapping[str, Fact],
    facts: Mapping[str, Fact],
    precedence: Precedence,
    observations: Sequence[Observation],
    derived: Collection[str] = (),
) -> list[str]:
    """Return the names of the facts that change the known state.

    A fact fills a gap at any time; it replaces a value only if no newer notification reported one,
    and if the notification contradicts nothing. A derived one replaces none.
    """
    is_contradiction = contradicts(status_of(known_facts), precedence.status)

    def replaces(name: str) -> bool:
        is_silent = is_contradiction or name in derived
        if is_silent or is_same(name, known_facts[name], facts[name]):
            return False
        reported = (observation for observation in observations if observation.holds(name))
        return not is_older_than_any(precedence, reported)

    return [name for name in facts if name not in known_facts or replaces(name)]


def facts_with(
    known_facts: Mapping[str, Fact],
    observations: Sequence[Observation],
    taken_in: Sequence[Observation],
) -> dict[str, Fact]:
    """Return what is known when more observations of the same thing are taken in."""
    facts, earlier = dict(known_facts), [each for each in observations if each.counts_for_order]
    for observation in taken_in:
        moved = facts_that_move(
            facts, observation.facts, observation.precedence, earlier, observation.derived
        )
        facts |= {name: observation.facts[name] for name in moved}
        earlier += [observation] if observation.counts_for_order else []
    return facts


def is_older_than_any(precedence: Precedence, observations: Iterable[Observation]) -> bool:
    """Return True if a notification is older than one of those already recorded."""
    return any(precedence.precedes(observation.precedence) for observation in observations)


def _finality(status: str | None) -> int:
    return (status in FINAL) + (status == "CAPTURED")  # which also ends CAPTURE_FAILED
