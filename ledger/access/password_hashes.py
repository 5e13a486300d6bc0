"""Hashes passwords: slowly, so that guessing costs, and one at a time, so that calls do not pay."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.access.user_names import normal
from ledger.errors import TooManyAtOnceError

PASSWORD_MAX = 1_000
QUEUE_MAX = 2
"""Strangers who are checked or wait, in each process: each of them holds a thread."""
QUEUE_KNOWN_MAX = 3
"""The last place is for those who have signed in from there before, whoever else may wait."""
RETRY_SECONDS = 1

password_hasher = PasswordHasher(parallelism=1)  # one thread, and one core, for one guess


class HashingQueue:
    """Lets one caller of this process hash at a time, and few others wait for it.

    Shape: `present` are those who hash or wait.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._counting = threading.Lock()
        self.present = 0

    @contextmanager
    def place(self, *, is_known: bool) -> Iterator[None]:
        """Wait for the turn, or leave at once. Errors: TooManyAtOnceError if many wait."""
        with self._counting:
            if self.present >= (QUEUE_KNOWN_MAX if is_known else QUEUE_MAX):
                raise TooManyAtOnceError("others sign in right now", retry_seconds=RETRY_SECONDS)
            self.present += 1
        try:
            with self._turn:
                yield
        finally:
            with self._counting:
                self.present -= 1

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, however long: for whoever has signed in already."""
        with self._turn:
            yield


hashing_queue = HashingQueue()


def hash_password(password: str) -> str:
    """Return what is stored in place of a password."""
    with hashing_queue.turn():
        return password_hasher.hash(normal(password))


def is_password_of(password_hash: str | None, password: str) -> bool:
    """Return True if the hash is of this password; takes as long when there is no hash."""
    with hashing_queue.turn():
        try:
            password_hasher.verify(password_hash or nobodys_hash(), normal(password)[:PASSWORD_MAX])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Return True if a hash was made at another cost than that of today."""
    return password_hasher.check_needs_rehash(password_hash)


@cache
def nobodys_hash() -> str:
    """Return the hash that guesses at unknown names are compared with.

    It is made at the start, so that the first guess takes no longer than the next.
    """
    return password_hasher.hash(secrets.token_hex())
