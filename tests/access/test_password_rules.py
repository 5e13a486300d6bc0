"""What is no password here: common ones, those of this place, and what is made of them."""

import secrets
import time

import pytest

from ledger.access.password_rules import GUESSABLE, LENGTH, LOCAL_WORDS, refuse_bad_password
from ledger.access.users import add_user, change_password
from ledger.errors import BadPasswordError
from ledger.storage.database import Database
from tests.builders import NOON

NAMES = ("Ada Lovelace", "10000001", "Demo Boutique", "Librairie du Port")


def reason(password: str) -> str | None:
    try:
        refuse_bad_password(password, local_words=NAMES)
    except BadPasswordError as error:
        return error.reason
    return None


@pytest.mark.parametrize("password", ["", "Kx8$wPq2!mZ", "x" * 1_001])
def test_a_password_has_a_length(password: str) -> None:
    assert reason(password) == LENGTH


@pytest.mark.parametrize(
    "password",
    [
        *(
            "Password1234",
            "P@ssw0rd1234",
            "ｐａｓｓｗｏｒｄ１２３４",
            "123456789012",
            "987654321098",
        ),
        *("aaaaaaaaaaaa", "x" * 999, "ledgerledger", "trustno1trustno1", "abcabcabcabc"),
        *("qwertyuiop12", "1q2w3e4r5t6y", "azertyuiopqs", "motdepasse123", "jetaimejetaime"),
        *("letmein12345", "Summer2026!!", "2026-11-26-2026", "Marseille13013"),
    ],
)
def test_what_is_tried_first_everywhere_is_refused(password: str) -> None:
    assert reason(password) == GUESSABLE


@pytest.mark.parametrize(
    "password",
    [
        *("LyraPayzen1234", "payzen-lyra-2024", "systempay2026!", "Ledger2026!!!"),
        *("p4yz3nl3dg3r", "p-a-y-z-e-n-2026", "neZyap!regdel26", "PAYZEN PAYZEN PAYZEN"),
        *("Ada+Lovelace=1", "L0v3lac3-2026!", "Ledger-10000001", "DemoBoutique1!"),
        *("Librairie-2026", "Février-2026!!", "Administrateur1"),
    ],
)
def test_what_is_made_of_the_words_of_this_place_is_refused(password: str) -> None:
    assert reason(password) == LOCAL_WORDS


@pytest.mark.parametrize(
    "password",
    [
        *("correct horse battery", "velvet tractor onion", "K8$dkPw2!mQx"),
        *("Le chat mange des pommes vertes", "ledger of a velvet tractor onion"),
    ],
)
def test_words_that_have_nothing_to_do_with_each_other_are_taken(password: str) -> None:
    assert reason(password) is None


def test_what_is_made_at_random_is_taken() -> None:
    assert {reason(secrets.token_urlsafe(12)) for _ in range(200)} == {None}


@pytest.mark.parametrize("part", ["a", "l1|!", "aB3$", "ledger", "é", "ﷺ", "-"])
def test_judging_a_password_takes_no_longer_than_a_blink(part: str) -> None:
    password = (part * 1_000)[:1_000]
    began = time.thread_time()

    reason(password)

    assert time.thread_time() - began < 1


def test_nobody_gets_a_password_with_their_own_name_or_shop(database: Database) -> None:
    with database.begin() as connection:
        for password in ("Zoé Martin 2026", "zoe-martin-123", "98765432-2026"):
            with pytest.raises(BadPasswordError):
                add_user(
                    connection, name="Zoé Martin", password=password, role="auditor", now=NOON,
                    shops=["98765432"],
                )  # fmt: skip
        add_user(
            connection, name="Zoé Martin", password="velvet tractor onion", role="auditor",
            now=NOON, shops=["98765432"],
        )  # fmt: skip
        with pytest.raises(BadPasswordError):
            change_password(connection, "zoé martin", "MartinZoe-2026", now=NOON)
