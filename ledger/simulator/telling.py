"""Tell a life: its calls in one format or in both, signed, and what they should leave behind."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ledger.errors import SettingsError
from ledger.shops import FORM_HMAC, FORM_SHA1, REST_PASSWORD, Key, Shops
from ledger.simulator import form_v2, rest_v4
from ledger.simulator.lives import Call, Payment
from ledger.simulator.stories import FORM, REST, Story
from ledger.simulator.synthesis import Life

MIXED = "mixed"
ALTERNATE = "alternate"
FORMATS = (FORM, REST, MIXED, ALTERNATE)
"""One format for all lives, both in turn within each life, or both in turn from life to life."""

BEGINS_AT = datetime(2025, 1, 6, tzinfo=UTC)
"""The first day on which a life can begin, unless told otherwise."""

_KINDS = {FORM: (FORM_HMAC, FORM_SHA1), REST: (REST_PASSWORD,)}


@dataclass(frozen=True, slots=True)
class Telling:
    """A call in one format, signed and ready to be sent."""

    story: str
    life: int
    call: Call
    format: str
    body: bytes = field(repr=False)

    @property
    def shown(self) -> tuple[Payment, ...]:
        """The payments that this message tells; a form tells one, unless it is split."""
        if self.format == REST or self.call.is_split:
            return self.call.payments
        return () if self.call.is_abandoned else self.call.payments[:1]

    @property
    def is_abandonment(self) -> bool:
        """Whether this message tells that the buyer left, and of no payment."""
        return self.call.is_abandoned and not self.shown

    def lacks(self, name: str) -> bool:
        """Whether this message does not carry a field of the form."""
        return self.format == REST or self.call.is_redelivery or name in self.call.lost


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the lives of one shop and mode. Shape: `keys` by format, at least one."""

    shop_id: str
    mode: str
    keys: Mapping[str, Key]
    begins_at: datetime = BEGINS_AT

    def life(self, story: Story, seed: int, number: int) -> list[Call]:
        """The calls of one life; the same seed and number, the same life."""
        rng = random.Random(f"{seed}:{number}:{story.name}")  # noqa: S311  made up, no secret
        return list(story.calls(Life(rng, self.shop_id, self.mode, self.begins_at)))

    def can_tell(self, story: Story, wanted: str) -> bool:
        """Whether the shop's keys and the story allow what is wanted."""
        if wanted in (FORM, REST):
            return wanted in self.keys and wanted in story.formats
        return any(one in self.keys for one in story.formats)

    def tell(
        self, story: Story, seed: int, number: int, wanted: str, turn: int = 0
    ) -> list[Telling]:
        """One life; `turn` says which format comes first where both come in turn.

        Errors: SettingsError when the shop's keys or the story do not allow the wanted format.
        """
        formats = self._formats(story, wanted, turn)
        tellings = []
        for index, call in enumerate(self.life(story, seed, number)):
            told_in = formats[index % len(formats)]
            body = signed(call, told_in, self.keys[told_in])
            tellings.append(Telling(story.name, number, call, told_in, body))
        return tellings

    def _formats(self, story: Story, wanted: str, turn: int) -> Sequence[str]:
        if wanted not in FORMATS:
            raise ValueError(f"no such format: {wanted}")
        if not self.can_tell(story, wanted):
            raise SettingsError(self._why_not(story, wanted))
        if wanted in (FORM, REST):
            return (wanted,)
        able = [one for one in story.formats if one in self.keys]
        turned = able[turn % len(able) :] + able[: turn % len(able)]
        return turned if wanted == MIXED else turned[:1]

    def _why_not(self, story: Story, wanted: str) -> str:
        if wanted == REST and story.form_only and REST in self.keys:
            return f"{story.name} cannot be told in REST: {story.form_only}"
        return f"shop {self.shop_id} has no {self.mode} key to tell {story.name} ({wanted})"


def signed(call: Call, told_in: str, key: Key) -> bytes:
    """The body of a call in a format; the same call and key, the same bytes."""
    return _BODIES[told_in](call, key)


_BODIES = {FORM: form_v2.body, REST: rest_v4.body}


def teller(
    shops: Shops,
    shop_id: str,
    mode: str,
    *,
    at: datetime | None = None,
    begins_at: datetime = BEGINS_AT,
) -> Teller:
    """Tell the lives of this shop with the keys that are valid now.

    Errors: SettingsError when the shop is unknown or has no key of this mode that can sign.
    """
    valid = signing_keys(shops, shop_id, mode, at=at)
    return Teller(shop_id, mode, {told_in: keys[0] for told_in, keys in valid.items()}, begins_at)


def signing_keys(
    shops: Shops, shop_id: str, mode: str, *, at: datetime | None = None
) -> dict[str, list[Key]]:
    """Every key that the platform could sign with now, by format, the newest scheme first.

    Errors: SettingsError when the shop is unknown or has no key of this mode that can sign.
    """
    if shop_id not in shops.shop_by_id:
        raise SettingsError(f"the shop {shop_id} is not in the shops file")
    found = {}
    for told_in, kinds in _KINDS.items():
        valid = shops.keys(shop_id, mode, *kinds, at=at or datetime.now(UTC))
        valid.sort(key=lambda key: kinds.index(key.kind))
        if valid:
            found[told_in] = valid
    if not found:
        raise SettingsError(f"shop {shop_id} has no key of the mode {mode} that could sign")
    return found


def lives(
    teller: Teller, stories: Sequence[Story], *, seed: int, count: int, wanted: str = ALTERNATE
) -> Iterator[list[Telling]]:
    """Tell so many lives, story after story and again from the first."""
    for number in range(count):
        lap, index = divmod(number, len(stories))
        # the next lap tells each story in the other format
        yield teller.tell(stories[index], seed, number, wanted, turn=lap + index)
