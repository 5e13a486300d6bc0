"""The platform on its worst days: every way in which calls go wrong, and its retries."""

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count

from ledger.shops import FORM_HMAC, REST_PASSWORD, Key
from ledger.simulator.lives import BO, RETRY, Call, Payment
from ledger.simulator.sender import Answer
from ledger.simulator.signatures import body_digest
from ledger.simulator.stories import REST, Story
from ledger.simulator.telling import Teller, Telling, signed

TRIES_MAX = 5
"""Deliveries of one call: the first, and four automatic retries."""
PATIENCE = timedelta(seconds=10)
"""After which the platform holds a call for failed, and what arrives later comes late."""

_QUARTER = timedelta(minutes=15)
_ROTATED_AFTER = timedelta(days=15)  # of the weeks in which lives are told


class Fate(StrEnum):
    """What becomes of one delivery on its way."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"  # it is taken, and the answer is lost
    LATE = "late"  # it arrives when nobody waits for its answer any more
    LOST = "lost"
    CUT = "cut"  # half of it arrives
    MISSIGNED = "missigned"  # with a key that the ledger was not given


class Why(StrEnum):
    """Why one delivery is made."""

    FIRST = "first"
    RETRY = "retry"
    RESENT = "resent by hand"
    DUPLICATE = "duplicate"  # the same bytes twice, at once
    TWIN = "twin"  # a second rule tells the same, at once, in either format
    FORGED = "forged"  # by a stranger, who tells what did not happen


_FATES = {
    Fate.ANSWERED: 62,
    Fate.UNANSWERED: 9,
    Fate.LATE: 12,
    Fate.LOST: 7,
    Fate.CUT: 4,
    Fate.MISSIGNED: 6,
}
_CHANCE = {Why.DUPLICATE: 0.12, Why.TWIN: 0.15, Why.FORGED: 0.06, Why.RESENT: 0.05}
_UNHEARD_FIELD = 0.10
_UNHEARD_STATUS = 0.06


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery, signed and ready. Shape: numbered from 1 in the order of arrival."""

    number: int
    why: Why
    fate: Fate
    tries: int
    telling: Telling

    @property
    def digest(self) -> str:
        return body_digest(self.telling.body)

    @property
    def arrives(self) -> bool:
        return self.fate not in (Fate.LOST, Fate.CUT)

    @property
    def is_true(self) -> bool:
        """Whether the ledger has the key that signed it."""
        return self.why is not Why.FORGED and self.fate is not Fate.MISSIGNED

    @property
    def is_readmissible(self) -> bool:
        """Whether it may be recorded once the missing key was added."""
        return self.why is not Why.FORGED


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery, and what its sender saw of the answer."""

    attempt: Attempt
    answer: Answer


@dataclass(frozen=True, slots=True)
class Rotation:
    """The keys that the platform signs with, by format, before and after it was given new ones."""

    before: Mapping[str, Key]
    after: Mapping[str, Key]

    @classmethod
    def of(cls, valid: Mapping[str, Sequence[Key]]) -> "Rotation":
        """From the key that ends first to the one that ends last; the same one if it is alone."""
        by_end = {told_in: sorted(keys, key=_end) for told_in, keys in valid.items()}
        return cls(
            {told_in: keys[0] for told_in, keys in by_end.items()},
            {told_in: keys[-1] for told_in, keys in by_end.items()},
        )

    @property
    def is_one(self) -> bool:
        """Whether any format really gets another key."""
        return self.before != self.after


def _end(key: Key) -> datetime:
    return key.not_after or datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Life:
    """The calls of one life in the order in which the platform makes them."""

    story: Story
    number: int
    calls: Sequence[Call]
    formats: Sequence[str]

    def stands(self, payment: Payment, at: datetime) -> Payment:
        """The same payment as it stands by then."""
        for call in self.calls:
            if call.sent_at <= at:
                payment = next((one for one in call.payments if one.uuid == payment.uuid), payment)
        return payment


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One delivery to be made; its body is made when its turn comes. `first` is what it repeats."""

    life: _Life
    first: Call
    call: Call
    told_in: str
    why: Why
    fate: Fate = Fate.ANSWERED
    tries: int = 1


class Chaos:
    """Makes the deliveries of many lives, in the order in which they arrive.

    The same seed makes the same day; only what the service itself fails to take is told again
    on top of it.
    """

    def __init__(
        self,
        teller: Teller,
        keys: Rotation,
        stories: Sequence[Story],
        *,
        seed: int,
        lives: int,
    ) -> None:
        self._keys = keys
        self._seed = seed
        self._turns_at = teller.begins_at + _ROTATED_AFTER
        self._due: list[tuple[datetime, int, _Delivery]] = []
        self._lives: dict[int, _Life] = {}
        self._orders = count(1)
        self._numbers = count(1)
        for number in range(lives):
            self._begin(teller, stories[number % len(stories)], number)

    def missing_key(self, told_in: str, *, is_forged: bool = False) -> Key:
        """The key that the ledger was not given: a stranger's, or the platform's own new one."""
        like = self._keys.after[told_in]
        kind = REST_PASSWORD if told_in == REST else FORM_HMAC
        whose = "stranger" if is_forged else "platform"
        secret = f"synthetic-{whose}-{told_in}-{self._seed}"
        return Key(like.shop_id, like.mode, kind, secret)

    def next(self, most: int) -> list[Attempt]:
        """The next deliveries to arrive, at most so many; none when all were made."""
        due = [heapq.heappop(self._due) for _ in range(min(most, len(self._due)))]
        return [self._attempt(delivery, next(self._numbers)) for _, _, delivery in due]

    def tell_again(self, attempt: Attempt) -> None:
        """The service did not take what it should have: the platform will try again."""
        telling, life = attempt.telling, self._lives[attempt.telling.life]
        if attempt.why in (Why.FIRST, Why.RETRY) and attempt.fate is Fate.ANSWERED:
            call = telling.call
            failed = _Delivery(life, call, call, telling.format, attempt.why, tries=attempt.tries)
            self._retry(failed)

    # -- what will be made ----------------------------------------------------------------------

    def _begin(self, teller: Teller, story: Story, number: int) -> None:
        rng = self._rng("life", number)
        formats = [one for one in story.formats if one in self._keys.before]
        calls = [_with_unheard_field(call, rng) for call in teller.life(story, self._seed, number)]
        life = _Life(story, number, list(_with_unheard_status(calls, rng)), formats)
        self._lives[number] = life
        for call in life.calls:
            first = _Delivery(life, call, call, rng.choice(formats), Why.FIRST)
            self._make(first)
            self._make_others(first, rng)

    def _make(self, delivery: _Delivery) -> None:
        """One delivery by the platform, and its retry when its fate is to fail."""
        rng = self._rng(delivery.call.nonce, delivery.why)
        delivery = replace(delivery, fate=rng.choices([*_FATES], [*_FATES.values()])[0])
        arrives_at = delivery.call.sent_at + _delay(delivery.fate, rng)
        self._push(arrives_at, delivery)
        if rng.random() < _CHANCE[Why.DUPLICATE]:
            self._push(arrives_at, replace(delivery, why=Why.DUPLICATE))
        if delivery.fate is not Fate.ANSWERED:
            self._retry(delivery)

    def _retry(self, failed: _Delivery) -> None:
        """The same call, told as things stand at the next quarter hour; by hand is not retried."""
        if failed.why is not Why.RESENT and failed.tries < TRIES_MAX:
            at = _next_quarter(failed.call.sent_at + PATIENCE)
            again = self._again(failed, RETRY, at)
            self._make(replace(failed, call=again, why=Why.RETRY, tries=failed.tries + 1))

    def _make_others(self, first: _Delivery, rng: random.Random) -> None:
        call = first.call
        if rng.random() < _CHANCE[Why.TWIN]:
            at = call.sent_at + timedelta(seconds=rng.choice((0, 1)))
            twin = replace(call, nonce=_nonce(rng), sent_at=at)
            told_in = rng.choice(first.life.formats)
            self._push(call.sent_at, replace(first, call=twin, told_in=told_in, why=Why.TWIN))
        if call.payments and rng.random() < _CHANCE[Why.FORGED]:
            false = _falsified(call, rng)
            self._push(call.sent_at, replace(first, call=false, why=Why.FORGED))
        if call.payments and rng.random() < _CHANCE[Why.RESENT]:
            at = call.sent_at + timedelta(days=rng.uniform(1, 5))
            self._make(replace(first, call=self._again(first, BO, at), why=Why.RESENT))

    def _again(self, delivery: _Delivery, source: str, at: datetime) -> Call:
        first = delivery.first
        rng = self._rng(first.nonce, source, at)
        lost = {"payment_certificate"} if rng.random() < 0.3 else set()
        return first.again(
            source,
            *(delivery.life.stands(payment, at) for payment in first.payments),
            sent_at=at,
            nonce=_nonce(rng),
            lost=first.lost | lost,
        )

    def _push(self, arrives_at: datetime, delivery: _Delivery) -> None:
        heapq.heappush(self._due, (arrives_at, next(self._orders), delivery))

    def _attempt(self, due: _Delivery, number: int) -> Attempt:
        body = signed(due.call, due.told_in, self._key(due))
        telling = Telling(due.life.story.name, due.life.number, due.call, due.told_in, body)
        return Attempt(number, due.why, due.fate, due.tries, telling)

    def _key(self, due: _Delivery) -> Key:
        if due.why is Why.FORGED or due.fate is Fate.MISSIGNED:
            return self.missing_key(due.told_in, is_forged=due.why is Why.FORGED)
        keys = self._keys.before if due.call.sent_at < self._turns_at else self._keys.after
        return keys[due.told_in]

    def _rng(self, *names: object) -> random.Random:
        return random.Random(f"{self._seed}:{':'.join(map(str, names))}")  # noqa: S311  no secret


def suffer(chaos: Chaos, send: Callable[[Attempt], Answer], *, connections: int) -> Iterator[Sent]:
    """Make every delivery, so many at once, and give each with its answer."""
    with ThreadPoolExecutor(connections) as pool:
        while attempts := chaos.next(2 * connections):
            for attempt, answer in zip(attempts, pool.map(send, attempts), strict=True):
                if attempt.is_true and not answer.is_acknowledged:
                    chaos.tell_again(attempt)
                yield Sent(attempt, answer)


def _nonce(rng: random.Random) -> str:
    return f"{rng.getrandbits(256):064x}"


def _next_quarter(at: datetime) -> datetime:
    """The platform retries at minute 0, 15, 30 and 45."""
    begun = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    return begun + _QUARTER


def _delay(fate: Fate, rng: random.Random) -> timedelta:
    if fate is Fate.LATE:
        longest = rng.choice((timedelta(minutes=5), timedelta(hours=2), timedelta(days=4)))
        return PATIENCE + rng.random() * longest
    return rng.random() * PATIENCE


def _falsified(call: Call, rng: random.Random) -> Call:
    """What a stranger would like the merchant to believe."""
    paid, *others = call.payments
    paid = paid.but(status="CAPTURED", amount_minor=paid.amount_minor + 100_000, refusal=None)
    return replace(call, nonce=_nonce(rng), payments=(paid, *others))


def _with_unheard_field(call: Call, rng: random.Random) -> Call:
    if rng.random() >= _UNHEARD_FIELD:
        return call
    return replace(call, unheard={"field_of_2027": rng.choice(("", "x", "é+=&", "<b>", "'--"))})


def _with_unheard_status(calls: Sequence[Call], rng: random.Random) -> Iterator[Call]:
    """Between the calls now and then one with a status and a source that nobody knows yet."""
    for call in calls:
        yield call
        if _may_change(call) and rng.random() < _UNHEARD_STATUS:
            payment = call.payments[0].but(status="UNHEARD_OF_2027")
            yield replace(
                call,
                step="unheard of",
                source="SOURCE_OF_2027",
                sent_at=call.sent_at + timedelta(seconds=1),
                nonce=_nonce(rng),
                payments=(payment, *call.payments[1:]),
            )


def _may_change(call: Call) -> bool:
    """Whether the call is about one plain payment that has not come to its end."""
    names = (call.alias, call.alias_status, call.subscription_id, call.subscription_status)
    payment = call.payment
    if payment is None or any(names) or call.is_split or payment.alias:
        return False
    return payment.status in ("AUTHORISED", "AUTHORISED_TO_VALIDATE", "UNDER_VERIFICATION")
