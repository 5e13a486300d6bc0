"""Write the calls of payment lives in one format or in both, signed and ready to be sent."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, REST_PASSWORD, Key, Shops
from ledger.simulator import form_v2, rest_v4
from ledger.simulator.payment_lives import Call, Payment
from ledger.simulator.stories import FORM, REST, Story
from ledger.simulator.synthetic_life import Life

MIXED = "mixed"
ALTERNATE = "alternate"
FORMATS = (FORM, REST, MIXED, ALTERNATE)
"""One format for all lives, both in turn within each life, or both in turn from life to life."""

BEGINS_AT = datetime(2025, 1, 6, tzinfo=UTC)
"""The first day on which a life can begin, unless another is given."""

_KEY_KINDS = {FORM: (FORM_HMAC, FORM_SHA1), REST: (REST_PASSWORD,)}


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call in one format, signed and ready to be sent."""

    story: str
    life_number: int
    call: Call
    format: str
    body: bytes = field(repr=False)

    @property
    def shown_payments(self) -> tuple[Payment, ...]:
        """Return the payments in the body; a form holds one, unless it is split."""
        if self.format == REST or self.call.is_split:
            return self.call.payments
        return () if self.call.is_abandoned else self.call.payments[:1]

    @property
    def is_abandonment(self) -> bool:
        """Return True if the body says that the buyer left, and shows no payment."""
        return self.call.is_abandoned and not self.shown_payments

    def lacks_field(self, name: str) -> bool:
        """Return True if the body does not carry this field of the form."""
        return self.format == REST or self.call.is_redelivery or name in self.call.dropped_fields


@dataclass(frozen=True, slots=True)
class SyntheticPlatform:
    """The platform as one shop and mode meet it. Shape: `keys` by format, at least one."""

    shop_id: str
    mode: str
    keys: Mapping[str, Key]
    begins_at: datetime = BEGINS_AT

    def calls(self, story: Story, seed: int, number: int) -> list[Call]:
        """Return the calls of one life; the same seed and number, the same life."""
        rng = random.Random(f"{seed}:{number}:{story.name}")  # noqa: S311  made up, no secret
        return list(story.calls(Life(rng, self.shop_id, self.mode, self.begins_at)))

    def can_play(self, story: Story, format_choice: str) -> bool:
        """Return True if the shop's keys and the story allow this choice of format."""
        if format_choice in (FORM, REST):
            return format_choice in self.keys and format_choice in story.formats
        return any(name in self.keys for name in story.formats)

    def signed_calls(
        self, story: Story, seed: int, number: int, format_choice: str, turn: int = 0
    ) -> list[SignedCall]:
        """Return one life; `turn` says which format comes first where both come in turn.

        Errors: SettingsError when the shop's keys or the story do not allow the format.
        """
        formats = self._formats(story, format_choice, turn)
        signed_calls = []
        for index, call in enumerate(self.calls(story, seed, number)):
            format_name = formats[index % len(formats)]
            body = sign_call(call, format_name, self.keys[format_name])
            signed_calls.append(SignedCall(story.name, number, call, format_name, body))
        return signed_calls

    def _formats(self, story: Story, format_choice: str, turn: int) -> Sequence[str]:
        if format_choice not in FORMATS:
            raise ValueError(f"no such format: {format_choice}")
        if not self.can_play(story, format_choice):
            raise SettingsError(self._obstacle(story, format_choice))
        if format_choice in (FORM, REST):
            return (format_choice,)
        possible = [name for name in story.formats if name in self.keys]
        turned = possible[turn % len(possible) :] + possible[: turn % len(possible)]
        return turned if format_choice == MIXED else turned[:1]

    def _obstacle(self, story: Story, format_choice: str) -> str:
        if format_choice == REST and story.form_only and REST in self.keys:
            return f"{story.name} cannot be told in REST: {story.form_only}"
        return f"shop {self.shop_id} has no {self.mode} key to tell {story.name} ({format_choice})"


def sign_call(call: Call, format_name: str, key: Key) -> bytes:
    """Return the body of a call in a format; the same call and key, the same bytes."""
    return _BODIES[format_name](call, key)


_BODIES = {FORM: form_v2.body, REST: rest_v4.body}


def synthetic_platform(
    shops: Shops,
    shop_id: str,
    mode: str,
    *,
    at: datetime | None = None,
    begins_at: datetime = BEGINS_AT,
) -> SyntheticPlatform:
    """Return the platform of this shop, signing with the keys that are valid now.

    Errors: SettingsError when the shop is unknown or has no key of this mode that can sign.
    """
    valid_keys = signing_keys(shops, shop_id, mode, at=at)
    first_keys = {format_name: keys[0] for format_name, keys in valid_keys.items()}
    return SyntheticPlatform(shop_id, mode, first_keys, begins_at)


def signing_keys(
    shops: Shops, shop_id: str, mode: str, *, at: datetime | None = None
) -> dict[str, list[Key]]:
    """Return every key that the platform could sign with now, by format, newest scheme first.

    Errors: SettingsError when the shop is unknown or has no key of this mode that can sign.
    """
    if shop_id not in shops.shop_by_id:
        raise SettingsError(f"the shop {shop_id} is not in the shops file")
    keys_by_format = {}
    for format_name, kinds in _KEY_KINDS.items():
        keys = shops.keys(shop_id, mode, *kinds, at=at or datetime.now(UTC))
        keys.sort(key=lambda key: kinds.index(key.kind))
        if keys:
            keys_by_format[format_name] = keys
    if not keys_by_format:
        raise SettingsError(f"shop {shop_id} has no key of the mode {mode} that could sign")
    return keys_by_format


def signed_lives(
    platform: SyntheticPlatform,
    stories: Sequence[Story],
    *,
    seed: int,
    count: int,
    format_choice: str = ALTERNATE,
) -> Iterator[list[SignedCall]]:
    """Yield so many lives, story after story and again from the first."""
    for number in range(count):
        lap, index = divmod(number, len(stories))
        # the next lap plays each story in the other format
        yield platform.signed_calls(stories[index], seed, number, format_choice, turn=lap + index)
