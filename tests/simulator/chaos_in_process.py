"""Send bad days to a ledger in this process: the same chaos, without a network."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ledger.application import Ledger
from ledger.ipn.shops_and_keys import Shops
from ledger.settings import Settings
from ledger.simulator.chaos import Chaos, KeyRotation, send_attempts
from ledger.simulator.chaos_attempts import AnsweredAttempt, Attempt, Fate
from ledger.simulator.ledger_checker import Checker, Discrepancy
from ledger.simulator.sender import Answer
from ledger.simulator.signed_calls import signing_keys, synthetic_platform
from ledger.simulator.stories import FORM, REST, STORIES, Story
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_shop, receive, shops
from tests.web.asking import Asking, asking

OFTEN = "1000000/second"

Send = Callable[[Attempt], Answer]


def rotated_shops() -> Shops:
    """Return the builders' shop with a second key of each kind, which outlives the first."""
    shop = a_shop()
    first = tuple(replace(key, not_after=NOON.replace(year=2099)) for key in shop.keys)
    second = tuple(replace(key, secret=f"{key.secret}-new") for key in shop.keys)
    return shops(replace(shop, keys=first + second))


def a_chaos(
    keyring: Shops, *, seed: int, lives: int = 0, stories: Iterable[Story] | None = None
) -> Chaos:
    """Return the bad day of a seed; unless told otherwise each story is played once."""
    chosen = list(STORIES.values() if stories is None else stories)
    platform = synthetic_platform(keyring, SHOP_ID, "TEST", at=NOON)
    keys = KeyRotation.of(signing_keys(keyring, SHOP_ID, "TEST", at=NOON))
    return Chaos(platform, keys, chosen, seed=seed, lives=lives or len(chosen))


def send_to(ledger: Ledger) -> Send:
    """Return a sender that hands what arrives to a ledger and answers as its receiver would."""

    def send(attempt: Attempt) -> Answer:
        if not attempt.arrives:
            return Answer(None, "lost on its way", 0.0)
        receipt = receive(ledger, attempt.signed_call.body)
        if attempt.fate is Fate.UNANSWERED:
            return Answer(None, "hung up before the answer", 0.0)
        if receipt.outcome == "quarantined":
            return Answer(400, f"KO {receipt.reason}", 0.0)
        return Answer(200, f"OK {receipt.outcome} {receipt.id}", 0.0)

    return send


def acknowledge(_: Attempt) -> Answer:
    """Answer as a service that takes everything."""
    return Answer(200, "OK recorded 1", 0.0)


def send_all(chaos: Chaos, send: Send, *, connections: int = 4) -> list[AnsweredAttempt]:
    return list(send_attempts(chaos, send, connections=connections))


def an_api(database: Database, keyring: Shops | None = None) -> Asking:
    """Return a query API that answers as often as a check needs."""
    settings = Settings(
        database_url="unused", rate_per_token=OFTEN, rate_per_address=OFTEN, log_level="error"
    )
    api = asking(database, settings=settings)
    api.ledger.shops = keyring or rotated_shops()
    return api


def discrepancies(api: Asking, answered_attempts: Iterable[AnsweredAttempt]) -> list[Discrepancy]:
    """Compare the ledger behind an API with what was sent to it."""

    def ask(path: str) -> Any:
        response = api.call(path)
        assert response.status_code in (200, 404), response.text
        return response.get_json() if response.status_code == 200 else None

    return Checker(ask, SHOP_ID, "TEST").discrepancies(
        list(answered_attempts), settled_seconds_max=0
    )


def with_missing_keys(keyring: Shops, chaos: Chaos) -> Shops:
    """Return the keyring once the operator has added the platform's own new keys."""
    shop = keyring.shop_by_id[SHOP_ID]
    missing = [chaos.missing_key(format_name) for format_name in (FORM, REST)]
    return shops(replace(shop, keys=(*shop.keys, *missing)))
