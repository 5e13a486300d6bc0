"""Codes of a device and recovery codes: which count, how often, and what is stored of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import select

from ledger.access.second_factor import (
    FAILURES_MAX,
    RECOVERY_CODES,
    address_of,
    enrol,
    enrolled_at,
    enrolled_user_ids,
    new_recovery_codes,
    new_salt,
    recovery_codes_left,
    reset_second_factor,
    secret_of,
    use_code,
)
from ledger.access.users import User, add_user, find_user
from ledger.errors import BadUserError
from ledger.storage.access_tables import recovery_codes, second_factors
from ledger.storage.database import Database
from tests.builders import NOON

KEY = "a synthetic key of enough letters"
SALT = "a synthetic salt"
LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def user(database: Database) -> User:
    with database.begin() as connection:
        return add_user(
            connection, name="Jo", password="correct horse battery", role="auditor", now=NOON
        )


def code_of(user: User, at: datetime, *, salt: str = SALT, key: str = KEY) -> str:
    return TOTP(secret_of(user, salt, key)).at(at)


def enrolled(database: Database, user: User) -> list[str]:
    with database.begin() as connection:
        codes = enrol(connection, user, code_of(user, NOON), salt=SALT, service_key=KEY, now=NOON)
    assert codes is not None
    return codes


def uses(database: Database, user: User, code: str, at: datetime = LATER, key: str = KEY) -> bool:
    with database.begin() as connection:
        return use_code(connection, user, code, service_key=key, now=at)


def test_a_device_counts_once_it_has_shown_a_code(database: Database, user: User) -> None:
    with database.begin() as connection:
        wrong = enrol(connection, user, "000000", salt=SALT, service_key=KEY, now=NOON)
        before = enrolled_at(connection, user)
    codes = enrolled(database, user)

    assert (wrong, before) == (None, None)
    assert len(set(codes)) == RECOVERY_CODES
    with database.connect() as connection:
        assert enrolled_at(connection, user) == NOON
        assert enrolled_user_ids(connection) == {user.id}


def test_a_second_device_needs_a_reset_first(database: Database, user: User) -> None:
    enrolled(database, user)

    with pytest.raises(BadUserError):
        enrolled(database, user)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_code_of_a_clock_that_is_a_little_off_counts(
    database: Database, user: User, seconds: int
) -> None:
    enrolled(database, user)

    assert uses(database, user, code_of(user, LATER + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-3_600, -60, 60, 3_600])
def test_a_code_of_another_time_does_not_count(
    database: Database, user: User, seconds: int
) -> None:
    enrolled(database, user)

    assert not uses(database, user, code_of(user, LATER + timedelta(seconds=seconds)))


def test_a_code_counts_once_and_none_before_it_after(database: Database, user: User) -> None:
    enrolled(database, user)
    code, earlier = code_of(user, LATER), code_of(user, LATER - timedelta(seconds=30))

    assert uses(database, user, f" {code[:3]} {code[3:]} ")
    assert not uses(database, user, code)
    assert not uses(database, user, earlier)
    later = LATER + timedelta(minutes=1)
    assert uses(database, user, code_of(user, later), later)


@pytest.mark.parametrize("is_recovery", [False, True])
def test_of_many_who_bring_one_code_at_once_one_is_let_in(
    database: Database, user: User, is_recovery: bool
) -> None:
    recovery = enrolled(database, user)
    code = recovery[0] if is_recovery else code_of(user, LATER)

    with ThreadPoolExecutor(8) as pool:
        let_in = list(pool.map(lambda _: uses(database, user, code), range(8)))

    assert let_in.count(True) == 1


def test_the_code_that_enrolled_does_not_sign_in(database: Database, user: User) -> None:
    enrolled(database, user)

    assert not uses(database, user, code_of(user, NOON), NOON)


@pytest.mark.parametrize(
    "code", ["", "0", "12345", "１２３４５６", "1234567", "a\x00b", "x" * 9_999]
)
def test_what_is_no_code_does_not_count(database: Database, user: User, code: str) -> None:
    enrolled(database, user)

    assert not uses(database, user, code)


def test_a_code_of_somebody_else_or_of_another_key_does_not_count(
    database: Database, user: User
) -> None:
    with database.begin() as connection:
        other = add_user(
            connection, name="Al", password="correct horse battery", role="auditor", now=NOON
        )
    codes = enrolled(database, user)
    enrolled(database, other)

    assert not uses(database, user, code_of(other, LATER))
    assert not uses(database, other, codes[0])
    assert not uses(database, user, code_of(user, LATER, key="another key of enough letters"))


def test_a_recovery_code_counts_once_in_whatever_case(database: Database, user: User) -> None:
    code, other, *_ = enrolled(database, user)

    assert uses(database, user, code.upper().replace("-", " "))
    assert not uses(database, user, code)
    assert uses(database, user, other)
    with database.connect() as connection:
        assert recovery_codes_left(connection, user) == RECOVERY_CODES - 2


def test_after_many_wrong_codes_in_a_row_only_a_recovery_code_counts(
    database: Database, user: User
) -> None:
    recovery = enrolled(database, user)
    for _ in range(FAILURES_MAX):
        uses(database, user, "0")

    assert not uses(database, user, code_of(user, LATER))
    assert uses(database, user, recovery[0])
    assert uses(database, user, code_of(user, LATER))


def test_a_recovery_code_outlives_a_change_of_the_services_key(
    database: Database, user: User
) -> None:
    code = enrolled(database, user)[0]

    assert uses(database, user, code, key="another key of enough letters")


def test_new_recovery_codes_replace_the_old_ones(database: Database, user: User) -> None:
    old = enrolled(database, user)
    with database.begin() as connection:
        new = new_recovery_codes(connection, user)

    assert not uses(database, user, old[0])
    assert uses(database, user, new[0])


def test_a_reset_leaves_nothing_and_ends_sessions(database: Database, user: User) -> None:
    code = enrolled(database, user)[0]
    with database.begin() as connection:
        was_enrolled = reset_second_factor(connection, user)
        again = reset_second_factor(connection, user)
        stored = find_user(connection, user.id)
        left = (enrolled_at(connection, user), recovery_codes_left(connection, user))

    assert (was_enrolled, again, left) == (True, False, (None, 0))
    assert stored is not None
    assert stored.stamp != user.stamp
    assert not uses(database, user, code)
    assert not uses(database, user, code_of(user, LATER))


def test_what_is_stored_opens_nothing(database: Database, user: User) -> None:
    codes = enrolled(database, user)
    with database.connect() as connection:
        factor = str(connection.execute(select(second_factors)).mappings().one())
        hashes = set(connection.scalars(select(recovery_codes.c.code_hash)))

    assert secret_of(user, SALT, KEY) not in factor
    assert not hashes & {code.replace("-", "") for code in codes}
    assert all(len(hash_) == 64 for hash_ in hashes)


def test_every_salt_makes_another_secret_of_twenty_bytes(database: Database, user: User) -> None:
    salts = {new_salt() for _ in range(20)}

    secrets = {secret_of(user, salt, KEY) for salt in salts}

    assert len(secrets) == len(salts) == 20
    assert {len(secret) for secret in secrets} == {32}  # base32 of 160 bits


def test_a_device_takes_the_secret_with_the_names_of_service_and_person(user: User) -> None:
    secret = secret_of(user, SALT, KEY)

    address = address_of(user, secret, service="IPN Ledger")

    assert address == f"otpauth://totp/IPN%20Ledger:Jo?secret={secret}&issuer=IPN%20Ledger"
