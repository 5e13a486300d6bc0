"""Compares a ledger, as its query API shows it, with what was sent to it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from ledger.simulator.chaos import Sent
from ledger.simulator.expected import ALIAS, SUBSCRIPTION, TRANSACTION
from ledger.simulator.stories import FORM
from ledger.simulator.telling import Telling
from ledger.simulator.truth import Allowed, Truth, truths

Ask = Callable[[str], Any]
"""Gives the JSON at an address of the query API, or None when there is nothing."""

SETTLED_SECONDS_MAX = 10.0
"""How long a service may take for calls whose sender hung up."""

_PAGE = 500
_KEPT = ("recorded", "repeated")
_PLURAL = {TRANSACTION: "transactions", ALIAS: "aliases", SUBSCRIPTION: "subscriptions"}


class Discrepancy(NamedTuple):
    """One thing that is not as it must be. Shape: a stable word, what it is about, and why."""

    word: str
    subject: str
    told: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger stood before a run: what came later is the run's."""

    position: int = 0
    notification_id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a ledger shows of a run. Shape: deliveries by digest, events in order."""

    deliveries: dict[str, list[dict[str, Any]]]
    events: list[dict[str, Any]]


class Checker:
    """Checks one shop and mode over the query API."""

    def __init__(self, ask: Ask, shop_id: str, mode: str, since: Place = Place()) -> None:
        self._ask = ask
        self._shop_id = shop_id
        self._mode = mode.lower()
        self._since = since

    @classmethod
    def starting_now(cls, ask: Ask, shop_id: str, mode: str) -> "Checker":
        """A checker of what happens from now on."""
        newest = ask("/api/v1/notifications?limit=1")["items"]
        recorded = ask("/api/v1/notifications?limit=1&outcome=recorded")["items"]
        position = max((max(one["positions"], default=0) for one in recorded), default=0)
        place = Place(position, newest[0]["id"] if newest else "")
        return cls(ask, shop_id, mode, place)

    def discrepancies(
        self, sent: Sequence[Sent], *, settled_seconds_max: float = SETTLED_SECONDS_MAX
    ) -> list[Discrepancy]:
        """Everything that is not as it must be, and stays so."""
        until = time.monotonic() + settled_seconds_max
        found = list(self._look(sent))
        while found and time.monotonic() < until:
            time.sleep(1)
            before, found = found, list(self._look(sent))
            if found == before:
                break
        return found

    def _look(self, sent: Sequence[Sent]) -> Iterator[Discrepancy]:
        found = Found(self._deliveries(), self._events())
        arrived = {one.attempt.digest for one in sent if one.attempt.arrives}
        for one in sent:
            rows = found.deliveries.get(one.attempt.digest, [])
            yield from _of_answer(one, rows)
            if rows and one.attempt.digest not in arrived:
                told = f"it never arrived, and is {rows[0]['outcome']}"
                yield Discrepancy("invented", f"call {one.attempt.number}", told)
        kept = list(_kept(sent, found))
        yield from _of_outcomes(found, self._since)
        yield from _of_abandonments(kept, found, self._since)
        yield from self._of_repeats(found.events)
        for truth in truths([telling for telling, _ in kept]):
            yield from self._of_thing(truth)

    # -- what the ledger shows ------------------------------------------------------------------

    def _deliveries(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        asked = {"shop_id": self._shop_id, "mode": self._mode, "limit": str(_PAGE)}
        while True:
            page = self._ask(f"/api/v1/notifications?{urlencode(asked)}")
            for one in page["items"]:
                if self._since.notification_id and one["id"] <= self._since.notification_id:
                    return found
                found[one["digest"]].append(one)
            if page["next_cursor"] is None:
                return found
            asked["cursor"] = page["next_cursor"]

    def _events(self) -> list[dict[str, Any]]:
        found, after = [], self._since.position
        while True:
            asked = {"after": after, "limit": _PAGE, "shop_id": self._shop_id, "mode": self._mode}
            page = self._ask(f"/api/v1/events?{urlencode(asked)}")
            found += page["items"]
            if page["next_after"] == after:
                return found
            after = page["next_after"]

    def _address(self, kind: str, name: str) -> str:
        told = quote(name, safe="")
        return f"/api/v1/shops/{self._shop_id}/{self._mode}/{_PLURAL[kind]}/{told}"

    # -- things as they stand -------------------------------------------------------------------

    def _of_thing(self, truth: Truth) -> Iterator[Discrepancy]:
        """None out of one: everything told is there, as it was told last."""
        address, subject = self._address(truth.kind, truth.id), f"{truth.kind} {truth.id}"
        if truth.kind == SUBSCRIPTION:
            address += "?" + urlencode({"alias": _one_of(truth.facts, "alias")})
        item = self._ask(address)
        if item is None:
            yield Discrepancy("missing", subject, "told and kept, but nothing is known of it")
            return
        yield from _of_facts(subject, truth.facts, item)
        if truth.kind == SUBSCRIPTION:
            yield from _of_instalments(subject, truth, item["instalments"])

    def _of_repeats(self, events: Sequence[dict[str, Any]]) -> Iterator[Discrepancy]:
        """Two out of one: an event that tells nothing new and moves nothing."""
        told: dict[tuple[str, str], set[tuple[str, Any]]] = defaultdict(set)
        for event in events:
            key = (event["kind"], event["reference"])
            facts = set(event["data"]["facts"].items())
            if event["version"] > 1 and facts <= told[key] and not self._moves(event):
                yield Discrepancy(
                    "doubled",
                    f"{event['kind']} {event['reference']}",
                    f"event {event['position']} ({event['type']}) tells nothing new",
                )
            told[key] |= facts

    def _moves(self, event: dict[str, Any]) -> bool:
        """Whether an event changes the state; its history says so."""
        kind = event["kind"]
        if kind == SUBSCRIPTION:
            return True  # its instalments mirror their transactions, which are looked at
        history = self._ask(f"{self._address(kind, event['reference'])}/history")
        events = history["events"] if history else []
        same = [one for one in events if one["position"] == event["position"]]
        return any(one["changes"] for one in same)


def _of_answer(one: Sent, rows: Sequence[dict[str, Any]]) -> Iterator[Discrepancy]:
    """Whether one delivery became what its sender was told, and what it deserved."""
    attempt, answer = one.attempt, one.answer
    subject = f"call {attempt.number}"
    outcomes = {row["outcome"] for row in rows}
    if answer.is_acknowledged:
        id_ = answer.line.split()[-1]
        if not any(row["id"] == id_ and row["outcome"] in _KEPT for row in rows):
            yield Discrepancy("not-kept", subject, f"answered {answer.line!r}, and not there")
        if not attempt.is_true:
            yield Discrepancy("accepted", subject, f"{attempt.why}, and answered {answer.line!r}")
    elif answer.status is not None and attempt.is_true and answer.status < 500:
        told = f"well signed, and answered {answer.status} {answer.line!r}"
        yield Discrepancy("refused", subject, told)
    if answer.status == 500:
        yield Discrepancy("failed", subject, f"answered 500 {answer.line!r}")
    if not attempt.is_readmissible and outcomes & {*_KEPT}:
        yield Discrepancy("accepted", subject, f"{attempt.why}, and {', '.join(outcomes)}")


def _kept(sent: Sequence[Sent], found: Found) -> Iterator[tuple[Telling, dict[str, Any]]]:
    """The messages that the ledger has taken, each with its row of the journal."""
    for one in sent:
        for row in found.deliveries.get(one.attempt.digest, []):
            if row["outcome"] in _KEPT and one.attempt.is_readmissible:
                yield one.attempt.telling, row


def _of_outcomes(found: Found, since: Place) -> Iterator[Discrepancy]:
    """What is called recorded has events, and nothing else has.

    A call that arrived before the run may have been recorded after its start.
    """
    positions = {one["position"]: one["notification_id"] for one in found.events}
    recorded: set[int] = set()
    for rows in found.deliveries.values():
        for row in rows:
            if row["outcome"] != "recorded":
                continue
            recorded.update(row["positions"])
            if not row["positions"]:
                yield Discrepancy(
                    "left-out", f"notification {row['id']}", "recorded, without event"
                )
            for one in row["positions"]:
                if positions.get(one) != row["id"]:
                    told = f"its event {one} is not in the feed"
                    yield Discrepancy("left-out", f"notification {row['id']}", told)
    for position in sorted(set(positions) - recorded):
        if positions[position] <= since.notification_id:
            continue
        told = f"it came from {positions[position]}, which did not record it"
        yield Discrepancy("invented", f"event {position}", told)


def _of_abandonments(
    kept: Sequence[tuple[Telling, dict[str, Any]]], found: Found, since: Place
) -> Iterator[Discrepancy]:
    """A buyer who left has no uuid: in each format, all calls about it are of one thing.

    In a run that was made before, it may be one that is known from then.
    """
    references: dict[tuple[object, ...], set[str]] = defaultdict(set)
    by_notification: dict[str, set[str]] = defaultdict(set)
    known: set[tuple[object, ...]] = set()
    for event in found.events:
        if event["kind"] == TRANSACTION:
            by_notification[event["notification_id"]].add(event["reference"])
    for telling, row in kept:
        if telling.is_abandonment:
            order = telling.call.order
            trans_id = order.trans_id if telling.format == FORM else None
            key = (telling.life, telling.format, order.order_id, trans_id)
            references[key] |= by_notification[row["id"]]
            if any(position <= since.position for position in row["positions"]):
                known.add(key)
    for thing, told in references.items():
        life, told_in, order_id, _ = thing
        if len(told) + (thing in known) != 1:
            word = "doubled" if told else "missing"
            subject = f"abandonment of order {order_id} (life {life}, {told_in})"
            yield Discrepancy(word, subject, f"{len(told)} things know of it")


def _of_facts(subject: str, facts: Allowed, item: dict[str, Any]) -> Iterator[Discrepancy]:
    for name, values in facts.items():
        if item.get(name) not in values:
            told = f"{name} is {item.get(name)!r}, must be {' or '.join(map(repr, values))}"
            yield Discrepancy("differs", subject, told)


def _of_instalments(
    subject: str, truth: Truth, found: Sequence[dict[str, Any]]
) -> Iterator[Discrepancy]:
    for uuid, facts in truth.instalments.items():
        same = [one for one in found if one["transaction_uuid"] == uuid]
        if len(same) != 1:
            word = "doubled" if same else "missing"
            yield Discrepancy(word, subject, f"instalment {uuid} is there {len(same)} times")
        for one in same:
            yield from _of_facts(f"{subject}, instalment {uuid}", facts, one)


def _one_of(facts: Allowed, name: str) -> str:
    return str(next(iter(facts.get(name, {""}))))
