"""Compare a ledger, as its query API shows it, with what was sent to it."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from ledger.simulator.allowed_states import AllowedFacts, AllowedState, allowed_states
from ledger.simulator.chaos_attempts import AnsweredAttempt
from ledger.simulator.expected_objects import ALIAS, SUBSCRIPTION, TRANSACTION
from ledger.simulator.signed_calls import SignedCall
from ledger.simulator.stories import FORM

Ask = Callable[[str], Any]
"""Return the JSON at an address of the query API, or None when there is nothing."""
JsonObject = dict[str, Any]

SETTLED_SECONDS_MAX = 10.0
"""The time that a service may take for calls whose sender hung up."""

_PAGE_SIZE = 500
_VERIFIED_OUTCOMES = ("recorded", "repeated")
_PLURAL = {TRANSACTION: "transactions", ALIAS: "aliases", SUBSCRIPTION: "subscriptions"}


class Discrepancy(NamedTuple):
    """One difference from what must be. Shape: a stable word, what it is about, and why."""

    word: str
    subject: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where a ledger stood before a run: what came later is the run's."""

    position: int = 0
    notification_id: str = ""


@dataclass(frozen=True, slots=True)
class LedgerContents:
    """What a ledger shows of a run. Shape: notifications by digest, events in order."""

    notifications: dict[str, list[JsonObject]]
    events: list[JsonObject]


class Checker:
    """Check one shop and mode over the query API."""

    def __init__(self, ask: Ask, shop_id: str, mode: str, baseline: Baseline = Baseline()) -> None:
        self._ask = ask
        self._shop_id = shop_id
        self._mode = mode.lower()
        self._baseline = baseline

    @classmethod
    def starting_now(cls, ask: Ask, shop_id: str, mode: str) -> "Checker":
        """Return a checker of what happens from now on."""
        newest = ask("/api/v1/notifications?limit=1")["items"]
        recorded = ask("/api/v1/notifications?limit=1&outcome=recorded")["items"]
        position = max((max(row["positions"], default=0) for row in recorded), default=0)
        baseline = Baseline(position, newest[0]["id"] if newest else "")
        return cls(ask, shop_id, mode, baseline)

    def discrepancies(
        self,
        answered_attempts: Sequence[AnsweredAttempt],
        *,
        settled_seconds_max: float = SETTLED_SECONDS_MAX,
    ) -> list[Discrepancy]:
        """Return everything that is not as it must be, and stays so all the time that is given.

        One writer that a busy machine holds up keeps all later events out of the feed meanwhile.
        """
        until = time.monotonic() + settled_seconds_max
        current = list(self._compare(answered_attempts))
        while current and time.monotonic() < until:
            time.sleep(1)
            current = list(self._compare(answered_attempts))
        return current

    def _compare(self, answered_attempts: Sequence[AnsweredAttempt]) -> Iterator[Discrepancy]:
        contents = LedgerContents(self._notifications(), self._events())
        arrived = {each.attempt.digest for each in answered_attempts if each.attempt.arrives}
        for answered in answered_attempts:
            rows = contents.notifications.get(answered.attempt.digest, [])
            yield from _check_answer(answered, rows)
            if rows and answered.attempt.digest not in arrived:
                explanation = f"it never arrived, and is {rows[0]['outcome']}"
                yield Discrepancy("invented", f"call {answered.attempt.number}", explanation)
        verified = list(_verified_calls(answered_attempts, contents))
        yield from _check_outcomes(contents, self._baseline)
        yield from _check_abandonments(verified, contents, self._baseline)
        yield from self._check_repeats(contents.events)
        for allowed_state in allowed_states([signed_call for signed_call, _ in verified]):
            yield from self._check_object(allowed_state)

    # -- what the ledger shows ------------------------------------------------------------------

    def _notifications(self) -> dict[str, list[JsonObject]]:
        rows_by_digest: dict[str, list[JsonObject]] = defaultdict(list)
        query = {"shop_id": self._shop_id, "mode": self._mode, "limit": str(_PAGE_SIZE)}
        while True:
            page = self._ask(f"/api/v1/notifications?{urlencode(query)}")
            for row in page["items"]:
                if self._baseline.notification_id and row["id"] <= self._baseline.notification_id:
                    return rows_by_digest
                rows_by_digest[row["digest"]].append(row)
            if page["next_cursor"] is None:
                return rows_by_digest
            query["cursor"] = page["next_cursor"]

    def _events(self) -> list[JsonObject]:
        events, after = [], self._baseline.position
        while True:
            query = {
                "after": after,
                "limit": _PAGE_SIZE,
                "shop_id": self._shop_id,
                "mode": self._mode,
                "details": "true",
            }
            page = self._ask(f"/api/v1/events?{urlencode(query)}")
            events += page["items"]
            if page["next_after"] == after:
                return events
            after = page["next_after"]

    def _address(self, kind: str, name: str) -> str:
        escaped = quote(name, safe="")
        return f"/api/v1/shops/{self._shop_id}/{self._mode}/{_PLURAL[kind]}/{escaped}"

    # -- objects as they stand ------------------------------------------------------------------

    def _check_object(self, allowed_state: AllowedState) -> Iterator[Discrepancy]:
        """Find what was recorded and is not there, or is not as the last call says."""
        address, subject = (
            self._address(allowed_state.kind, allowed_state.id),
            f"{allowed_state.kind} {allowed_state.id}",
        )
        if allowed_state.kind == SUBSCRIPTION:
            alias = str(next(iter(allowed_state.allowed_facts.get("alias", {""}))))
            address += "?" + urlencode({"alias": alias})
        shown_object = self._ask(address)
        if shown_object is None:
            yield Discrepancy("missing", subject, "told and kept, but nothing is known of it")
            return
        yield from _check_facts(subject, allowed_state.allowed_facts, shown_object)
        if allowed_state.kind == SUBSCRIPTION:
            yield from _check_instalments(subject, allowed_state, shown_object["instalments"])

    def _check_repeats(self, events: Sequence[JsonObject]) -> Iterator[Discrepancy]:
        """Find events that say nothing new and move nothing."""
        said_before: dict[tuple[str, str], set[tuple[str, Any]]] = defaultdict(set)
        for event in events:
            key = (event["kind"], event["reference"])
            said = set(event["data"]["facts"].items())
            said |= {*event["data"]["details"].items(), *event["data"]["personal"].items()}
            is_all = event["sealed"] != "closed"  # else it says more to other readers
            is_known = is_all and event["version"] > 1 and said <= said_before[key]
            if is_known and not self._moves(event):
                yield Discrepancy(
                    "doubled",
                    f"{event['kind']} {event['reference']}",
                    f"event {event['position']} ({event['type']}) tells nothing new",
                )
            said_before[key] |= said

    def _moves(self, event: JsonObject) -> bool:
        """Return True if an event changes the state, by the history of its object."""
        kind = event["kind"]
        if kind == SUBSCRIPTION:
            return True  # its instalments mirror their transactions, which are looked at
        history = self._ask(f"{self._address(kind, event['reference'])}/history?limit=500")
        entries = history["events"] if history else []
        same = [entry for entry in entries if entry["position"] == event["position"]]
        return any(entry["changes"] for entry in same)


def _check_answer(
    answered: AnsweredAttempt, notification_rows: Sequence[JsonObject]
) -> Iterator[Discrepancy]:
    """Find a delivery that is not what its sender was answered, or not what it deserved."""
    attempt, answer = answered.attempt, answered.answer
    subject = f"call {attempt.number}"
    outcomes = {row["outcome"] for row in notification_rows}
    if answer.is_acknowledged:
        id_ = answer.line.split()[-1]
        if not any(
            row["id"] == id_ and row["outcome"] in _VERIFIED_OUTCOMES for row in notification_rows
        ):
            yield Discrepancy("not-kept", subject, f"answered {answer.line!r}, and not there")
        if not attempt.is_authentic:
            yield Discrepancy(
                "accepted", subject, f"{attempt.reason}, and answered {answer.line!r}"
            )
    elif answer.status is not None and attempt.is_authentic and answer.status < 500:
        explanation = f"well signed, and answered {answer.status} {answer.line!r}"
        yield Discrepancy("refused", subject, explanation)
    if answer.status == 500:
        yield Discrepancy("failed", subject, f"answered 500 {answer.line!r}")
    if not attempt.is_readmissible and outcomes & {*_VERIFIED_OUTCOMES}:
        yield Discrepancy("accepted", subject, f"{attempt.reason}, and {', '.join(outcomes)}")


def _verified_calls(
    answered_attempts: Sequence[AnsweredAttempt], contents: LedgerContents
) -> Iterator[tuple[SignedCall, JsonObject]]:
    """Yield the calls that the ledger has verified, each with its row of the inbox."""
    for answered in answered_attempts:
        for row in contents.notifications.get(answered.attempt.digest, []):
            if row["outcome"] in _VERIFIED_OUTCOMES and answered.attempt.is_readmissible:
                yield answered.attempt.signed_call, row


def _check_outcomes(contents: LedgerContents, baseline: Baseline) -> Iterator[Discrepancy]:
    """Find recorded notifications without events, and events without a notification.

    A call that arrived before the run may have been recorded after its start.
    """
    id_by_position = {event["position"]: event["notification_id"] for event in contents.events}
    recorded_positions: set[int] = set()
    rows = (row for same_body in contents.notifications.values() for row in same_body)
    for row in rows:
        if row["outcome"] != "recorded":
            continue
        recorded_positions.update(row["positions"])
        subject = f"notification {row['id']}"
        if not row["positions"]:
            yield Discrepancy("left-out", subject, "recorded, without event")
        for position in row["positions"]:
            if id_by_position.get(position) != row["id"]:
                explanation = f"its event {position} is not in the feed"
                yield Discrepancy("left-out", subject, explanation)
    for position in sorted(set(id_by_position) - recorded_positions):
        if id_by_position[position] > baseline.notification_id:
            explanation = f"it came from {id_by_position[position]}, which did not record it"
            yield Discrepancy("invented", f"event {position}", explanation)


def _check_abandonments(
    verified: Sequence[tuple[SignedCall, JsonObject]], contents: LedgerContents, baseline: Baseline
) -> Iterator[Discrepancy]:
    """Find abandonments that are not of exactly one transaction in each format: they have no uuid.

    In a run that is repeated, it may be a transaction that was known before.
    """
    references: dict[tuple[object, ...], set[str]] = defaultdict(set)
    references_by_notification: dict[str, set[str]] = defaultdict(set)
    known_abandonments: set[tuple[object, ...]] = set()
    for event in contents.events:
        if event["kind"] == TRANSACTION:
            references_by_notification[event["notification_id"]].add(event["reference"])
    for signed_call, row in verified:
        if signed_call.is_abandonment:
            request = signed_call.call.request
            trans_id = request.trans_id if signed_call.format == FORM else None
            abandonment = (signed_call.life_number, signed_call.format, request.order_id, trans_id)
            references[abandonment] |= references_by_notification[row["id"]]
            if any(position <= baseline.position for position in row["positions"]):
                known_abandonments.add(abandonment)
    for buyer_left, its_references in references.items():
        life, format_name, order_id, _ = buyer_left
        if len(its_references) + (buyer_left in known_abandonments) != 1:
            word = "doubled" if its_references else "missing"
            subject = f"abandonment of order {order_id} (life {life}, {format_name})"
            yield Discrepancy(word, subject, f"{len(its_references)} things know of it")


def _check_facts(
    subject: str, facts: AllowedFacts, shown_object: Mapping[str, Any]
) -> Iterator[Discrepancy]:
    for name, values in facts.items():
        if shown_object.get(name) not in values:
            allowed = " or ".join(map(repr, values))
            explanation = f"{name} is {shown_object.get(name)!r}, must be {allowed}"
            yield Discrepancy("differs", subject, explanation)


def _check_instalments(
    subject: str, allowed_state: AllowedState, shown_instalments: Sequence[JsonObject]
) -> Iterator[Discrepancy]:
    for uuid, facts in allowed_state.allowed_instalments.items():
        same = [
            instalment for instalment in shown_instalments if instalment["transaction_uuid"] == uuid
        ]
        if len(same) != 1:
            word = "doubled" if same else "missing"
            yield Discrepancy(word, subject, f"instalment {uuid} is there {len(same)} times")
        for instalment in same:
            yield from _check_facts(f"{subject}, instalment {uuid}", facts, instalment)
