"""Who may sign in to the pages: people with a password and one of the roles of tokens."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.access.password_hashes import hash_password, is_outdated, is_password_of
from ledger.access.password_rules import refuse_bad_password
from ledger.access.readers import Reader
from ledger.access.roles import ROLES
from ledger.access.user_names import name_key, normal
from ledger.errors import BadUserError, NotFoundError
from ledger.ipn.storable import is_storable
from ledger.storage.access_tables import users

PREFIX = "user-"
NAME_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Reader):
    """What is stored of a person.

    Shape: `stamp` changes whenever all their sessions shall end; `last_signed_in_from` is a
    network, as guesses are counted by.
    """

    password_hash: str = field(repr=False)
    stamp: str = field(repr=False)
    password_changed_at: datetime
    must_change_password: bool = False
    disabled_at: datetime | None = None
    last_signed_in_at: datetime | None = None
    last_signed_in_from: str | None = field(repr=False, default=None)
    issuer: str | None = None  # the identity provider that vouches for them, if it is none of ours
    subject: str | None = None

    def state_at(self, at: datetime) -> str:
        """Return `valid`, `disabled` or `expired`."""
        return "disabled" if self.disabled_at else Reader.state_at(self, at)

    @property
    def last_used_at(self) -> datetime | None:
        return self.last_signed_in_at


def add_user(
    connection: Connection,
    *,
    name: str,
    password: str,
    role: str,
    now: datetime,
    shops: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    must_change_password: bool = False,
    local_words: Collection[str] = (),
) -> User:
    """Let somebody sign in.

    Shape: `must_change_password` if an operator knows it; `local_words` as `refuse_bad_password`.
    Errors: BadUserError for a name that is taken or bad, BadPasswordError.
    """
    assert role in ROLES
    name = _checked_name(name)
    refuse_bad_password(password, local_words=[name, *(shops or ()), *local_words])
    user = User(
        id=PREFIX + secrets.token_hex(6),
        name=name,
        role=role,
        shops=None if shops is None else tuple(shops),
        created_at=now,
        expires_at=expires_at,
        password_hash=hash_password(password),
        stamp=_new_stamp(),
        password_changed_at=now,
        must_change_password=must_change_password,
    )
    _insert(connection, user)
    return user


def find_user(connection: Connection, id_: str) -> User | None:
    """Return the person of this id, whether or not they may sign in."""
    return User.read_one(connection, select(users).where(users.c.id == id_))


def user_by_name(connection: Connection, name: str) -> User | None:
    """Return the person of this name, in whatever case it is written."""
    if not is_storable(name):  # no database stores it, so none is asked
        return None
    return User.read_one(connection, select(users).where(users.c.name_key == name_key(name)))


def check_password(user: User | None, password: str) -> bool:
    """Return True if it is this person's password; takes as long when there is no such person."""
    return is_password_of(None if user is None else user.password_hash, password)


def renew_hash(connection: Connection, user: User, password: str) -> None:
    """Hash a password that was right once more, if it was hashed at another cost than today."""
    if is_outdated(user.password_hash):
        is_same = users.c.password_hash == user.password_hash
        renewed = update(users).where(users.c.id == user.id, is_same)
        connection.execute(renewed.values(password_hash=hash_password(password)))


def note_sign_in(connection: Connection, user: User, *, now: datetime, network: str) -> None:
    """Write down when somebody last signed in, and from which network."""
    _change(connection, user.name, last_signed_in_at=now, last_signed_in_from=network)


def all_users(connection: Connection) -> list[User]:
    """Read everybody who could ever sign in, oldest first."""
    return User.read_all(connection, users)


def change_password(
    connection: Connection,
    name: str,
    password: str,
    *,
    now: datetime,
    must_change_password: bool = False,
    local_words: Collection[str] = (),
) -> User:
    """Give somebody another password and end all sessions; the rest is as in `add_user`.

    Errors: NotFoundError, BadPasswordError; BadUserError for somebody of an identity provider.
    """
    user = user_by_name(connection, name)
    if user is None:
        raise NotFoundError("there is no such user")
    if user.issuer is not None:
        raise BadUserError("this person signs in at the identity provider and has no password here")
    refuse_bad_password(password, local_words=[user.name, *(user.shops or ()), *local_words])
    return _change(
        connection,
        name,
        stamp=_new_stamp(),
        password_hash=hash_password(password),
        password_changed_at=now,
        must_change_password=must_change_password,
    )


def user_from_provider(
    connection: Connection,
    *,
    issuer: str,
    subject: str,
    name: str,
    role: str,
    shops: Sequence[str] | None,
    now: datetime,
) -> User:
    """Return somebody whom an identity provider knows, with the role that it gives them now.

    They keep the name of their first sign-in, so that operators and the access log can name them.
    A name that somebody else has is no ground to become them: theirs then holds the subject too.
    Errors: BadUserError when two of one name come at the same moment.
    """
    assert role in ROLES
    given = None if shops is None else tuple(shops)
    known = find_provider_user(connection, issuer, subject)
    if known is not None:
        return _change(connection, known.name, role=role, shops=given)
    free_name = _free_name(connection, name, subject)
    user = User(
        id=PREFIX + secrets.token_hex(6),
        name=free_name,
        role=role,
        shops=given,
        created_at=now,
        password_hash="",  # no password has this hash
        stamp=_new_stamp(),
        password_changed_at=now,
        issuer=issuer,
        subject=subject,
    )
    _insert(connection, user)
    return user


def find_provider_user(connection: Connection, issuer: str, subject: str) -> User | None:
    """Return the person whom a provider names so, if they have ever been let in."""
    c = users.c
    query = select(users).where(c.issuer == issuer, c.subject == subject)
    return User.read_one(connection, query)


def disable_user(connection: Connection, name: str, *, now: datetime) -> User:
    """Let somebody sign in no more, and end all their sessions. Errors: NotFoundError."""
    return _change(connection, name, disabled_at=now, stamp=_new_stamp())


def enable_user(connection: Connection, name: str) -> User:
    """Let somebody who was disabled sign in again. Errors: NotFoundError."""
    return _change(connection, name, disabled_at=None)


def end_sessions(connection: Connection, user: User) -> None:
    """End all sessions of somebody, wherever they are."""
    _change(connection, user.name, stamp=_new_stamp())


def _insert(connection: Connection, user: User) -> None:
    try:
        connection.execute(insert(users), asdict(user) | {"name_key": name_key(user.name)})
    except IntegrityError as error:
        raise BadUserError(f"there is a user named {user.name} already") from error


def _free_name(connection: Connection, name: str, subject: str) -> str:
    """Return a name that nobody has, as near as can be to what the provider calls somebody."""
    printable = "".join(filter(str.isprintable, normal(name))).strip()[:NAME_MAX]
    if printable and user_by_name(connection, printable) is None:
        return printable
    return _checked_name(f"{printable[: NAME_MAX // 3]} ({subject})"[:NAME_MAX])


def _change(connection: Connection, name: str, **new_columns: Any) -> User:
    statement = update(users).where(users.c.name_key == name_key(name)).values(**new_columns)
    user = User.read_one(connection, statement.returning(*users.c))
    if user is None:
        raise NotFoundError("there is no such user")
    return user


def _checked_name(name: str) -> str:
    name = normal(name).strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise BadUserError(f"a name has 1 to {NAME_MAX} printable characters")
    return name


def _new_stamp() -> str:
    return secrets.token_hex(8)
