"""Guesses at one account: few are looked at, and whoever is known is not held by strangers."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from ledger.access.guessing import (
    PER_DEVICE,
    PER_NAME,
    PER_NAME_AND_NETWORK,
    PER_NETWORK,
    PER_SITE,
    WINDOW,
    Origin,
    check_guarded,
    sign_in_brakes,
)
from ledger.errors import TooManyTriesError
from ledger.storage.access_tables import failed_tries
from ledger.storage.database import Database
from tests.builders import NOON

CHECKED_MAX = 30
HOME = Origin(network="192.0.2.1", site="192.0.2.1")


class Account:
    """One whose right password is `right`; counts what is looked at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.checked = 0
        self.now: datetime = NOON
        self._lock = threading.Lock()

    def guess(self, name: str = "jo", origin: Origin = HOME, password: str = "wrong") -> str:
        def is_right() -> bool:
            with self._lock:
                self.checked += 1
            return password == "right"

        try:
            is_in = check_guarded(
                self.database,
                sign_in_brakes(name, origin),
                is_right,
                now=self.now,
                is_known=origin.is_known,
            )
        except TooManyTriesError as error:
            return f"later {error.retry_seconds}"
        return "in" if is_in else "wrong"


@pytest.fixture
def account(database: Database) -> Account:
    return Account(database)


def anywhere() -> Origin:
    """An address of one's own, of a network and a site of their own."""
    site, rest = random.randrange(2**16), random.randrange(2**16)
    return Origin(network=f"2001:db8:{site:x}:{rest:x}::/64", site=f"2001:db8:{site:x}::/48")


SPELLINGS: list[Callable[[str], str]] = [
    str.upper,
    str.title,
    lambda name: f" {name} ",
    lambda name: "".join(chr(ord(letter) + 0xFEE0) for letter in name),
    lambda name: name.replace("o", "o\u200b"),
    lambda name: f"\ufeff{name}",
]


def test_of_a_thousand_guesses_few_are_looked_at(account: Account) -> None:
    for number in range(1_000):
        account.guess(SPELLINGS[number % len(SPELLINGS)]("jo"), anywhere())

    assert account.checked == PER_NAME
    assert account.guess(password="right").startswith("later")


def test_not_even_with_all_that_an_owner_has_are_more_looked_at(account: Account) -> None:
    home = Origin(network=HOME.network, site=HOME.site, is_own_network=True)
    for _ in range(500):
        account.guess("jo", anywhere())
        account.guess("jo", home)

    assert account.checked == PER_NAME + PER_NAME_AND_NETWORK <= CHECKED_MAX


def test_guesses_at_the_same_moment_are_counted_too(account: Account) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: account.guess("jo", anywhere()), range(200)))

    assert account.checked == answers.count("wrong") <= PER_NAME


@pytest.mark.parametrize(
    "origin",
    [
        Origin(network="192.0.2.7", site="192.0.2.7", device_id="a browser"),
        Origin(network="192.0.2.7", site="192.0.2.7", is_own_network=True),
    ],
)
def test_who_is_known_gets_in_while_strangers_guess(account: Account, origin: Origin) -> None:
    for _ in range(100):
        account.guess("jo", anywhere())

    assert account.guess("jo", origin, "right") == "in"


def test_a_known_browser_gets_in_beside_a_stranger_in_the_same_network(account: Account) -> None:
    for number in range(100):
        account.guess("jo", HOME)
        account.guess(f"nobody {number}", HOME)
    mine = Origin(network=HOME.network, site=HOME.site, device_id="a browser")

    assert account.guess("jo", mine, "right") == "in"
    assert account.guess("jo", HOME, "right").startswith("later")


def test_a_known_browser_guesses_no_more_than_others(account: Account) -> None:
    stolen = Origin(network=HOME.network, site=HOME.site, device_id="a browser")
    other = Origin(network=HOME.network, site=HOME.site, device_id="another")
    for _ in range(100):
        account.guess("jo", stolen)

    assert account.checked == PER_DEVICE
    assert account.guess("jo", other, "right") == "in"
    assert account.guess("jo", HOME, "right") == "in"


@pytest.mark.parametrize(
    ("origins", "checked"),
    [
        ([HOME], PER_NETWORK),
        (
            [
                Origin(network=f"2001:db8:1:{number:x}::/64", site="2001:db8:1::/48")
                for number in range(99)
            ],
            PER_SITE,
        ),
    ],
)
def test_a_network_and_a_site_try_only_so_many_names(
    account: Account, origins: list[Origin], checked: int
) -> None:
    for number in range(checked + 50):
        account.guess(f"nobody {number}", origins[number % len(origins)])

    assert account.checked == checked


def test_names_of_others_are_not_held(account: Account) -> None:
    for _ in range(100):
        account.guess("jo", anywhere())

    assert account.guess("zoe", anywhere(), "right") == "in"


def test_who_waits_long_enough_is_looked_at_again(account: Account) -> None:
    for _ in range(PER_NAME_AND_NETWORK):
        account.guess()
        account.now += timedelta(seconds=10)
    answer = account.guess(password="right")

    account.now += timedelta(seconds=int(answer.removeprefix("later ")) - 1)
    before = account.guess(password="right")
    account.now += timedelta(seconds=1)

    assert answer == f"later {WINDOW.total_seconds() - 10 * PER_NAME_AND_NETWORK:.0f}"
    assert before == "later 1"
    assert account.guess(password="right") == "in"


def test_what_counts_no_more_is_forgotten(account: Account) -> None:
    for _ in range(50):
        account.guess("jo", anywhere())
    account.now += WINDOW
    account.guess("zoe", anywhere())

    with account.database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(failed_tries)) == 4


def test_being_right_is_no_failure(account: Account) -> None:
    answers = {account.guess(password="right") for _ in range(50)}

    assert answers == {"in"}


def test_what_was_typed_as_a_name_is_not_stored(account: Account) -> None:
    account.guess("my password by mistake")

    with account.database.connect() as connection:
        keys = connection.scalars(select(failed_tries.c.brake)).all()
    assert all(len(key) == 32 and int(key, 16) >= 0 for key in keys)
