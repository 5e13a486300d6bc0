"""What one shop has shown in one mode and format so far, and what a further call does otherwise.

Everything follows from the calls in their order: the same calls make the same catalogue, the same
findings and the same first deliveries, however they are divided into batches.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ledger.drift.calls import EMPTY, UNREAD, Call, Pair, Shape

LEARNED_CALLS = 200
"""The first calls of a shop, mode and format are learned: nothing in them is news."""
LEARNED_OF_SOURCE = 20
"""So are the names and types in the first calls of each source among them."""
STEADY_CALLS = 200
STEADY_SHARE = 0.95
ABSENT_CALLS = 100
"""A name that had a value in 95 % of 200 calls of a kind is missed after 100 without."""
NAMES_MAX = 5_000
WORDS_MAX = 500
"""More names of a shop, mode and format, or more words of a name, are not written down."""
TYPE, WORD = "type", "word"
_ANSWER_TYPE = "kr-answer-type"


class Drift(StrEnum):
    """What is otherwise than before; these words are stored and public."""

    NEW_NAME = "new-name"
    NEW_VALUE = "new-value"
    TYPE_CHANGED = "type-changed"
    GONE = "gone"
    NOW_EMPTY = "now-empty"
    NEW_KR_ANSWER_TYPE = "new-kr-answer-type"


class DriftFinding(NamedTuple):
    """Something that is otherwise than before.

    Shape: `value` is the new word or type, else empty; `delivery_id` the first delivery that showed
    it, of what is missing the first one without; `noticed_at` when the call arrived that settled
    it.
    """

    kind: str
    drift: Drift
    name: str
    value: str
    delivery_id: str
    noticed_at: datetime


@dataclass(slots=True)
class Seen:
    """Since when something is known, and in how many calls it was."""

    first_delivery_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    call_count: int = 0


@dataclass(slots=True)
class NameSeen(Seen):
    """A name in the calls of one kind.

    Shape: a run are the calls of the kind, counted from 1, in which it has had a value often;
    `run_last` is the last of them, `missing_delivery_id` the first call without since then.
    """

    run_from: int = 0
    run_last: int = 0
    run_calls: int = 0
    missing_delivery_id: str | None = None

    @property
    def is_steady(self) -> bool:
        length = self.run_last - self.run_from + 1
        return length >= STEADY_CALLS and self.run_calls >= STEADY_SHARE * length

    def add_value(self, number: int) -> None:
        """Count a call of the kind in which it has a value."""
        length = number - self.run_from + 1
        is_over = self.run_last and number - self.run_last > ABSENT_CALLS
        is_rare = length > STEADY_CALLS and self.run_calls < STEADY_SHARE * (length - 1)
        if not self.run_last or is_over or is_rare:
            self.run_from, self.run_calls = number, 0
        self.run_last = number
        self.run_calls += 1
        self.missing_delivery_id = None


ValueKey = tuple[str, str, str]
"""A name, `type` or `word`, and which."""


@dataclass(slots=True)
class Catalogue:
    """All that is known of one shop, mode and format. Shape: names by kind, then by name."""

    calls_by_kind: Counter[str] = field(default_factory=Counter)
    names_by_kind: dict[str, dict[str, NameSeen]] = field(default_factory=dict)
    seen_values: dict[ValueKey, Seen] = field(default_factory=dict)
    known_names: set[str] = field(default_factory=set)
    known_types: set[Pair] = field(default_factory=set)
    values_by_name: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    touched_names: set[tuple[str, str]] = field(default_factory=set)
    touched_values: set[ValueKey] = field(default_factory=set)

    def put_name(self, kind: str, name: str, seen: NameSeen) -> None:
        """Take in a name that was seen."""
        self.names_by_kind.setdefault(kind, {})[name] = seen
        self.known_names.add(name)

    def put_value(self, value_key: ValueKey, seen: Seen) -> None:
        """Take in a type or a word that was seen."""
        name, what, value = value_key
        self.seen_values[value_key] = seen
        self.values_by_name.setdefault((name, what), set()).add(value)
        if what == TYPE:
            self.known_types.add((name, value))

    def add_unread(self) -> None:
        """Count a delivery that nobody can read."""
        self.calls_by_kind[UNREAD] += 1

    def add(self, call: Call) -> list[DriftFinding]:
        """Take in the next call; return what it does otherwise, and what is missed since."""
        counts = self.calls_by_kind
        calls = counts.total() - counts[UNREAD]
        of_source = sum(n for kind, n in counts.items() if kind.split(" ")[0] == call.source)
        has_learned = calls >= LEARNED_CALLS
        knows_source = has_learned and of_source >= LEARNED_OF_SOURCE
        counts[call.kind] += 1
        findings = [
            *self._new_words(call, has_learned=has_learned),
            *self._new_types(call, is_news=knows_source),
            *self._new_names(call, is_news=knows_source),
        ]
        self._count_names(call)
        return [*findings, *self._missed(call)]

    def _new_words(self, call: Call, *, has_learned: bool) -> Iterator[DriftFinding]:
        for name, word in sorted(call.word_pairs):
            is_known = self._count_value((name, WORD, word), call, WORDS_MAX)
            # a name that nobody knew is news itself, with whatever it says
            if not is_known and has_learned and name in self.known_names:
                is_answer_type = name == _ANSWER_TYPE
                drift = Drift.NEW_KR_ANSWER_TYPE if is_answer_type else Drift.NEW_VALUE
                yield _finding(call, drift, name, word)

    def _new_types(self, call: Call, *, is_news: bool) -> Iterator[DriftFinding]:
        for name, json_type in sorted(call.shape - self.known_types):
            if json_type == EMPTY:
                continue
            if (name, TYPE) in self.values_by_name and is_news:
                yield _finding(call, Drift.TYPE_CHANGED, name, json_type)
            self._count_value((name, TYPE, json_type), call, WORDS_MAX)

    def _new_names(self, call: Call, *, is_news: bool) -> Iterator[DriftFinding]:
        """Yield the names that nobody knew, of an object and what is in it the object alone."""
        new_names = _names(call.shape).all.difference(self.known_names)
        for name in sorted(new_names) if is_news else ():
            if _parent(name) not in new_names and len(self.known_names) < NAMES_MAX:
                yield _finding(call, Drift.NEW_NAME, name)

    def _count_value(self, value_key: ValueKey, call: Call, most: int) -> bool:
        """Count a type or a word in a call; return True if it was known, or is not written down."""
        seen = self.seen_values.get(value_key)
        is_known = seen is not None
        if seen is None:
            if len(self.values_by_name.get(value_key[:2], ())) >= most:
                return True
            seen = Seen(call.delivery_id, call.received_at, call.received_at)
            self.put_value(value_key, seen)
        seen.call_count += 1
        seen.last_seen_at = max(seen.last_seen_at, call.received_at)
        self.touched_values.add(value_key)
        return is_known

    def _count_names(self, call: Call) -> None:
        names, number = _names(call.shape), self.calls_by_kind[call.kind]
        known = self.names_by_kind.setdefault(call.kind, {})
        for name in names.all:
            seen = known.get(name)
            if seen is None:
                if name not in self.known_names and len(self.known_names) >= NAMES_MAX:
                    continue
                seen = NameSeen(call.delivery_id, call.received_at, call.received_at)
                self.put_name(call.kind, name, seen)
            seen.call_count += 1
            seen.last_seen_at = max(seen.last_seen_at, call.received_at)
            if name in names.filled:
                seen.add_value(number)
            self.touched_names.add((call.kind, name))

    def _missed(self, call: Call) -> Iterator[DriftFinding]:
        """Yield what is missed since this call, of an object and what was in it the object."""
        names, number = _names(call.shape), self.calls_by_kind[call.kind]
        known = self.names_by_kind[call.kind]
        missed = set()
        for name in known.keys() - names.filled:
            seen = known[name]
            if not seen.run_last:
                continue
            if seen.missing_delivery_id is None:
                seen.missing_delivery_id = call.delivery_id
                self.touched_names.add((call.kind, name))
            if number - seen.run_last == ABSENT_CALLS and seen.is_steady:
                missed.add(name)
        for name in sorted(missed):
            if _parent(name) not in missed:
                drift = Drift.NOW_EMPTY if name in names.all else Drift.GONE
                delivery_id = str(known[name].missing_delivery_id)
                yield DriftFinding(call.kind, drift, name, "", delivery_id, call.received_at)


class _Names(NamedTuple):
    all: frozenset[str]
    filled: frozenset[str]


@lru_cache(maxsize=2048)
def _names(shape: Shape) -> _Names:
    filled = frozenset(name for name, json_type in shape if json_type != EMPTY)
    return _Names(frozenset(name for name, _ in shape), filled)


def _parent(name: str) -> str:
    """Return the name of the object that holds a name; empty for what nothing holds."""
    return name.rpartition(".")[0].removesuffix(".*")


def _finding(call: Call, drift: Drift, name: str, value: str = "") -> DriftFinding:
    return DriftFinding(call.kind, drift, name, value, call.delivery_id, call.received_at)
