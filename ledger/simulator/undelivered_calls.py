"""Decide which calls never leave the platform: lost on their way, or of a rule that is off."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import SettingsError
from ledger.simulator.payment_lives import (
    BATCH,
    BATCH_AUTO,
    BO,
    DCF,
    MERCH_BO,
    PAY,
    PAYMENT_ORDER,
    REC,
    Call,
)
from ledger.simulator.signed_calls import ALTERNATE, SignedCall, SyntheticPlatform, signed_lives
from ledger.simulator.stories import Story

LOST = "lost"
RULE_OFF = "rule off"

SOURCES_BY_RULE = {
    "back-office": frozenset({MERCH_BO}),
    # a resend by hand needs this rule, whichever rule first called
    "end-of-payment": frozenset({PAY, DCF, PAYMENT_ORDER, BO}),
    "recurring": frozenset({REC}),
    "batch": frozenset({BATCH}),
    "batch-authorisation": frozenset({BATCH_AUTO}),
}
"""Why each rule of the Back Office lets the platform call. Source: delivery reference, 6 and 7."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What keeps calls from being sent. Shape: `rules_off` names rules of `SOURCES_BY_RULE`.

    Units: `lost_share` from 0 to 1; the same seed loses the same calls.
    """

    seed: int = 0
    lost_share: float = 0.0
    rules_off: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := self.rules_off - SOURCES_BY_RULE.keys():
            raise SettingsError(f"no rule named {', '.join(sorted(unknown))}")

    def obstacle(self, call: Call) -> str | None:
        """Return what keeps this call from being sent, LOST or RULE_OFF; None if nothing does."""
        source = BO if call.source == BO else call.origin
        if any(source in SOURCES_BY_RULE[rule] for rule in self.rules_off):
            return RULE_OFF
        rng = random.Random(f"{self.seed}:{LOST}:{call.nonce}")  # noqa: S311  no secret
        return LOST if rng.random() < self.lost_share else None


NO_LOSSES = Losses()


def calls_with_losses(
    platform: SyntheticPlatform,
    stories: Sequence[Story],
    losses: Losses,
    *,
    count: int,
    format_choice: str = ALTERNATE,
) -> Iterator[tuple[SignedCall, bool]]:
    """Yield each call of so many lives, and True when it is lost: the run of `ledger simulate`.

    Shape: the seed of `losses` is that of the lives too.
    """
    lives = signed_lives(
        platform, stories, seed=losses.seed, count=count, format_choice=format_choice
    )
    for life in lives:
        for signed_call in life:
            yield signed_call, losses.obstacle(signed_call.call) is not None
