"""Play the platform on its worst days: every way in which calls go wrong, and its retries."""

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key
from ledger.simulator.chaos_attempts import AnsweredAttempt, Attempt, DeliveryReason, Fate
from ledger.simulator.chaos_faults import (
    CHANCE,
    PATIENCE,
    add_unknown_field,
    add_unknown_statuses,
    draw_delay,
    draw_fate,
    draw_nonce,
    forge,
    next_quarter,
)
from ledger.simulator.payment_lives import BO, RETRY, Call, Payment
from ledger.simulator.sender import Answer
from ledger.simulator.signed_calls import SignedCall, SyntheticPlatform, sign_call
from ledger.simulator.stories import REST, Story

TRIES_MAX = 5
"""Deliveries of one call: the first, and four automatic retries."""

_ROTATED_AFTER = timedelta(days=15)  # of the weeks in which lives begin


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The keys that the platform signs with, by format, before and after it was given new ones."""

    old_keys: Mapping[str, Key]
    new_keys: Mapping[str, Key]

    @classmethod
    def of(cls, keys_by_format: Mapping[str, Sequence[Key]]) -> "KeyRotation":
        """Rotate from the key that ends first to the one that ends last."""
        by_end = {name: sorted(keys, key=_end) for name, keys in keys_by_format.items()}
        return cls(
            {name: keys[0] for name, keys in by_end.items()},
            {name: keys[-1] for name, keys in by_end.items()},
        )

    @property
    def changes_a_key(self) -> bool:
        """Return True if any format really gets another key."""
        return self.old_keys != self.new_keys


def _end(key: Key) -> datetime:
    return key.not_after or datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _PlannedLife:
    """The calls of one life in the order in which the platform makes them."""

    story: Story
    number: int
    calls: Sequence[Call]
    formats: Sequence[str]

    def payment_at(self, payment: Payment, at: datetime) -> Payment:
        """Return the payment as it stands by then."""
        for call in self.calls:
            if call.sent_at <= at:
                same = (shown for shown in call.payments if shown.uuid == payment.uuid)
                payment = next(same, payment)
        return payment


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One delivery to be made, whose body is made when its turn comes.

    Shape: `first_call` is the call that `call` repeats, or `call` itself.
    """

    planned_life: _PlannedLife
    first_call: Call
    call: Call
    format_name: str
    reason: DeliveryReason
    fate: Fate = Fate.ANSWERED
    tries: int = 1


class Chaos:
    """Make the deliveries of many lives, in the order in which they arrive.

    The same seed makes the same day; only what the service itself fails to take is sent again
    on top of it.
    """

    def __init__(
        self,
        platform: SyntheticPlatform,
        key_rotation: KeyRotation,
        stories: Sequence[Story],
        *,
        seed: int,
        lives: int,
    ) -> None:
        self._platform = platform
        self._rotation = key_rotation
        self._seed = seed
        self._rotated_at = platform.begins_at + _ROTATED_AFTER
        self._queue: list[tuple[datetime, int, _Delivery]] = []
        self._lives: dict[int, _PlannedLife] = {}
        self._queued = count(1)
        self._numbers = count(1)
        for number in range(lives):
            self._plan_life(stories[number % len(stories)], number)

    def missing_key(self, format_name: str, *, is_forged: bool = False) -> Key:
        """Return the key that the ledger lacks: a stranger's, or the platform's own new one."""
        newest = self._rotation.new_keys[format_name]
        kind = REST_PASSWORD if format_name == REST else FORM_HMAC
        owner = "stranger" if is_forged else "platform"
        secret = f"synthetic-{owner}-{format_name}-{self._seed}"
        return Key(newest.shop_id, newest.mode, kind, secret)

    def next(self, count_max: int) -> list[Attempt]:
        """Return the next deliveries to arrive; none when all were made."""
        size = min(count_max, len(self._queue))
        arrivals = [heapq.heappop(self._queue) for _ in range(size)]
        return [self._attempt(delivery, next(self._numbers)) for _, _, delivery in arrivals]

    def retry_failed(self, attempt: Attempt) -> None:
        """Queue another try of what the service should have taken and did not."""
        signed_call, life = attempt.signed_call, self._lives[attempt.signed_call.life_number]
        is_automatic = attempt.reason in (DeliveryReason.FIRST, DeliveryReason.RETRY)
        if is_automatic and attempt.fate is Fate.ANSWERED:
            call, format_name = signed_call.call, signed_call.format
            self._retry(
                _Delivery(life, call, call, format_name, attempt.reason, tries=attempt.tries)
            )

    # -- what will be made ----------------------------------------------------------------------

    def _plan_life(self, story: Story, number: int) -> None:
        rng = self._rng("life", number)
        formats = [name for name in story.formats if name in self._rotation.old_keys]
        plain_calls = self._platform.calls(story, self._seed, number)
        calls = [add_unknown_field(call, rng) for call in plain_calls]
        life = _PlannedLife(story, number, list(add_unknown_statuses(calls, rng)), formats)
        self._lives[number] = life
        for call in life.calls:
            first = _Delivery(life, call, call, rng.choice(formats), DeliveryReason.FIRST)
            self._make(first)
            self._make_extra_deliveries(first, rng)

    def _make(self, delivery: _Delivery) -> None:
        """Queue one delivery by the platform, and its retry when its fate is to fail."""
        rng = self._rng(delivery.call.nonce, delivery.reason)
        delivery = replace(delivery, fate=draw_fate(rng))
        arrives_at = delivery.call.sent_at + draw_delay(delivery.fate, rng)
        self._push(arrives_at, delivery)
        if rng.random() < CHANCE[DeliveryReason.DUPLICATE]:
            self._push(arrives_at, replace(delivery, reason=DeliveryReason.DUPLICATE))
        if delivery.fate is not Fate.ANSWERED:
            self._retry(delivery)

    def _retry(self, failed: _Delivery) -> None:
        """Queue the call as things stand at the next quarter hour; by hand is not retried."""
        if failed.reason is not DeliveryReason.RESENT and failed.tries < TRIES_MAX:
            call = self._repeated(failed, RETRY, next_quarter(failed.call.sent_at + PATIENCE))
            tries = failed.tries + 1
            self._make(replace(failed, call=call, reason=DeliveryReason.RETRY, tries=tries))

    def _make_extra_deliveries(self, first_delivery: _Delivery, rng: random.Random) -> None:
        call = first_delivery.call
        if rng.random() < CHANCE[DeliveryReason.TWIN]:
            at = call.sent_at + timedelta(seconds=rng.choice((0, 1)))
            twin = replace(first_delivery, call=replace(call, nonce=draw_nonce(rng), sent_at=at))
            format_name = rng.choice(first_delivery.planned_life.formats)
            twin = replace(twin, format_name=format_name, reason=DeliveryReason.TWIN)
            self._push(call.sent_at, twin)
        if call.payments and rng.random() < CHANCE[DeliveryReason.FORGED]:
            forged = replace(first_delivery, call=forge(call, rng), reason=DeliveryReason.FORGED)
            self._push(call.sent_at, forged)
        if call.payments and rng.random() < CHANCE[DeliveryReason.RESENT]:
            at = call.sent_at + timedelta(days=rng.uniform(1, 5))
            resent = self._repeated(first_delivery, BO, at)
            self._make(replace(first_delivery, call=resent, reason=DeliveryReason.RESENT))

    def _repeated(self, delivery: _Delivery, source: str, at: datetime) -> Call:
        first = delivery.first_call
        rng = self._rng(first.nonce, source, at)
        dropped = {"payment_certificate"} if rng.random() < 0.3 else set()
        return first.repeated(
            source,
            *(delivery.planned_life.payment_at(payment, at) for payment in first.payments),
            sent_at=at,
            nonce=draw_nonce(rng),
            dropped_fields=first.dropped_fields | dropped,
        )

    def _push(self, arrives_at: datetime, delivery: _Delivery) -> None:
        heapq.heappush(self._queue, (arrives_at, next(self._queued), delivery))

    def _attempt(self, delivery: _Delivery, number: int) -> Attempt:
        life, call, format_name = delivery.planned_life, delivery.call, delivery.format_name
        body = sign_call(call, format_name, self._key(delivery))
        signed_call = SignedCall(life.story.name, life.number, call, format_name, body)
        return Attempt(number, delivery.reason, delivery.fate, delivery.tries, signed_call)

    def _key(self, delivery: _Delivery) -> Key:
        is_forged = delivery.reason is DeliveryReason.FORGED
        if is_forged or delivery.fate is Fate.MISSIGNED:
            return self.missing_key(delivery.format_name, is_forged=is_forged)
        is_rotated = delivery.call.sent_at >= self._rotated_at
        return (self._rotation.new_keys if is_rotated else self._rotation.old_keys)[
            delivery.format_name
        ]

    def _rng(self, *seed_parts: object) -> random.Random:
        return random.Random(f"{self._seed}:{':'.join(map(str, seed_parts))}")  # noqa: S311  no secret


def send_attempts(
    chaos: Chaos, send: Callable[[Attempt], Answer], *, connections: int
) -> Iterator[AnsweredAttempt]:
    """Make every delivery, so many at once, and yield each with its answer."""
    with ThreadPoolExecutor(connections) as pool:
        while attempts := chaos.next(2 * connections):
            for attempt, answer in zip(attempts, pool.map(send, attempts), strict=True):
                if attempt.is_authentic and not answer.is_acknowledged:
                    chaos.retry_failed(attempt)
                yield AnsweredAttempt(attempt, answer)
