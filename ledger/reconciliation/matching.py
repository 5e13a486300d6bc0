"""Matches rows of files with transactions of the ledger, in both directions, each used once.

The amount is compared and never part of the key: a lost call about a changed amount would be one
payment never told and another one not listed.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ledger.reconciliation.agreed import Agreed, CountedDays, count_agreed
from ledger.reconciliation.assignment import Ambiguity, Pair, assign
from ledger.reconciliation.compared_sides import ComparedSides, Group
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction

Outcome = Pair | Ambiguity | JournalRow | KnownTransaction | Agreed
"""What became of rows and transactions; one that comes alone has nothing on the other side."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to match.

    Shape: transactions are `days_later` than rows, or on whatever day when it is None; `levels` are
    what must be the same besides the name, from the strongest on.
    """

    name: str
    days_later: int | None = None
    levels: Sequence[Sequence[str]] = ((),)


_WAYS = (
    _Way("uuid"),
    *(
        _Way(name, days_later, ((besides, "direction"), ("direction",), ()))
        for days_later in (0, -1, 1)
        for name, besides in (("number", "sequence_number"), ("order_id", "contract"))
    ),
)
"""By uuid; by short number and day; by order and day; then by these of a day beside."""


def match(sides: ComparedSides, counted: CountedDays | None = None) -> Iterator[Outcome]:
    """Match rows with transactions. Shape: each is in one outcome, whatever the order of both; of
    `counted` days what agrees and is not listed is counted together, and of others left out."""
    for way in _WAYS:
        sides.make_index(way.name)
        if counted is not None and not way.days_later:
            yield from count_agreed(sides, way.name, way.days_later, counted)
            sides.make_index(way.name)
        claim_places, known_places = array("q"), array("q")
        for group in sides.groups(way.name, way.days_later):
            outcomes = _match_group(group, way)
            used = {id(side) for each in outcomes for side in each.sides()}
            claim_places.extend(p for p, own in group.claim_by_place.items() if id(own) in used)
            known_places.extend(p for p, own in group.known_by_place.items() if id(own) in used)
            yield from outcomes
        sides.use(claim_places, known_places)
    yield from sides.unmatched_claims()
    yield from sides.unlisted()


def _match_group(group: Group, way: _Way) -> list[Pair | Ambiguity]:
    claims = sorted(group.claim_by_place.values(), key=attrgetter("file_id", "line_number"))
    known = sorted(group.known_by_place.values(), key=attrgetter("reference"))
    if len(claims) == len(known) == 1:
        return list(assign(claims, known, is_sure=not way.days_later))
    matched: list[Pair | Ambiguity] = []
    for names in way.levels:
        matched += _match_level(claims, known, names, is_sure=not way.days_later)
        used = {id(side) for each in matched for side in each.sides()}
        claims = [claim for claim in claims if id(claim) not in used]
        known = [each for each in known if id(each) not in used]
    return matched


def _match_level(
    claims: Sequence[JournalRow],
    known_transactions: Sequence[KnownTransaction],
    names: Sequence[str],
    *,
    is_sure: bool,
) -> Iterator[Pair | Ambiguity]:
    """Match what is the same under all of these names."""
    known_by_key: dict[tuple[object, ...], list[KnownTransaction]] = defaultdict(list)
    claims_by_key: dict[tuple[object, ...], list[JournalRow]] = defaultdict(list)
    for known in known_transactions:
        known_by_key[_key(known, names)].append(known)
    for claim in claims:
        claims_by_key[_key(claim, names)].append(claim)
    for key in claims_by_key.keys() & known_by_key.keys():
        if None not in key:
            yield from assign(claims_by_key[key], known_by_key[key], is_sure=is_sure)


def _key(side: JournalRow | KnownTransaction, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(side, name) for name in names)
