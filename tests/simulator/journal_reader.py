"""Reads a journal of the platform in the plainest way, to compare it with the truth."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key, Shop, Shops
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import Journals, journals
from ledger.simulator.signed_calls import ALTERNATE, SyntheticPlatform, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import NO_LOSSES, Losses, calls_with_losses
from tests.simulator.conftest import FORM_SECRET, REST_SECRET, SHOP_ID

LABEL = "Café du Port"


@dataclass(frozen=True)
class ReadJournal:
    """The words of each kind of line; each detail by the labels of the columns."""

    title: list[str]
    labels: list[str]
    details: list[dict[str, str]]
    ends: bool


def read_journal(content: bytes, encoding: str = "iso-8859-15") -> ReadJournal:
    text = content.decode(encoding)
    assert "\n" not in text
    assert text.endswith(";\r")
    lines = [line.removesuffix(";").split(";") for line in text.split("\r")[:-1]]
    (_, *title), (_, *labels), *remaining = lines
    assert [lines[0][0], lines[1][0]] == ["TITRE", "ENTETE"]
    ends = bool(remaining) and remaining[-1] == ["FIN"]
    details = remaining[:-1] if ends else remaining
    codes = {line[0] for line in details}
    assert codes <= {"TRANSACTION"} or codes in ({"OPERATION"}, {"MATCHING"}, {"DETAIL"})
    return ReadJournal(
        title, labels, [dict(zip(labels, line[1:], strict=True)) for line in details], ends
    )


def platform_in(mode: str) -> SyntheticPlatform:
    keys = (
        Key(SHOP_ID, mode, FORM_HMAC, FORM_SECRET),
        Key(SHOP_ID, mode, REST_PASSWORD, REST_SECRET),
    )
    return synthetic_platform(Shops({SHOP_ID: Shop(SHOP_ID, LABEL, keys)}), SHOP_ID, mode)


def journals_of(
    mode: str = "PRODUCTION",
    losses: Losses = NO_LOSSES,
    *,
    laps: int = 2,
    format_choice: str = ALTERNATE,
) -> Journals:
    """Return what the platform says of every story, played so many times."""
    stories = [each for each in STORIES.values() if platform_in(mode).can_play(each, format_choice)]
    calls = calls_with_losses(
        platform_in(mode),
        stories,
        losses,
        count=laps * len(stories),
        format_choice=format_choice,
    )
    return journals(JournalShop(SHOP_ID, LABEL, mode), calls)


def day_text(day: str) -> str:
    """The day of the truth as names of files have it."""
    return f"{date.fromisoformat(day):%y%m%d}"


def named(made: Journals, beginning: str) -> dict[str, bytes]:
    return {name: text for name, text in made.files.items() if name.startswith(beginning)}


def read_all(
    made: Journals, beginning: str, encoding: str = "iso-8859-15"
) -> dict[str, ReadJournal]:
    return {name: read_journal(text, encoding) for name, text in named(made, beginning).items()}


def state_on(transaction: dict[str, Any], moment: str) -> dict[str, Any]:
    """The state that the truth gives a transaction at a moment."""
    begun = [state for state in transaction["states"] if state["since"] <= moment]
    return dict(begun[-1])


def by_day(truth: dict[str, Any], list_name: str) -> dict[str, list[dict[str, Any]]]:
    days = defaultdict(list)
    for each in truth[list_name]:
        days[each["day"]].append(each)
    return dict(days)
