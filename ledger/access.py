"""Who may ask what: tokens with a role, and the log of who has read personal or raw data."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from ledger.errors import NotFoundError
from ledger.storage.tables import access_log, tokens

AUDITOR = "auditor"  # everything but personal data
AUDITOR_PERSONAL = "auditor-personal"  # personal data and raw bodies too; every read is logged
OPERATOR = "operator"  # that, and what changes something
ROLES = (AUDITOR, AUDITOR_PERSONAL, OPERATOR)
SEES_PERSONAL = frozenset({AUDITOR_PERSONAL, OPERATOR})

PREFIX = "ipnl_"
SECRET_BYTES = 32
LAST_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who asks: a machine with a token, or a person who has signed in.

    Shape: `shops` is None for all shops, those to come included. `id` tells both kinds apart: a
    person's begins with `user-`.
    """

    id: str
    name: str
    role: str
    shops: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def sees_personal(self) -> bool:
        return self.role in SEES_PERSONAL

    def allows_shop(self, shop_id: str | None) -> bool:
        """Whether it may read about this shop; what names no shop is for readers of all shops."""
        return self.shops is None or shop_id in self.shops


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Reader):
    """What is kept of a token."""

    secret_hash: str = field(repr=False)
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid_at(self, at: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One read of personal or raw data, or the attempt.

    Shape: `token_id` and `token_name` are those of the reader, who may be a person (`user-…`).
    """

    at: datetime
    token_id: str
    token_name: str
    role: str
    method: str
    route: str
    kind: str
    shop_id: str | None
    mode: str | None
    reference: str | None
    status: int
    peer: str
    id: int | None = None


def create_token(
    connection: Connection,
    *,
    name: str,
    role: str,
    now: datetime,
    shops: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token. Shape: what is kept of it, and the secret, which is nowhere kept."""
    assert role in ROLES
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        id=secrets.token_hex(6),
        name=name,
        role=role,
        shops=None if shops is None else tuple(shops),
        created_at=now,
        expires_at=expires_at,
        secret_hash=hash_of(secret),
    )
    values = {one.name: getattr(token, one.name) for one in fields(token)}
    values["shops"] = None if token.shops is None else list(token.shops)
    connection.execute(insert(tokens), values)
    return token, secret


def hash_of(secret: str) -> str:
    """What is stored in place of a token. Shape: 64 lower-case hex digits.

    A plain SHA-256 is enough: a token is 256 random bits, so there is nothing to guess that a
    slow hash would protect, as it would a password.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def find_token(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """The token that is valid now and was made with this secret.

    The database finds it by hash, whose timing tells nothing about a secret that made another
    hash; the comparison that counts is constant in time.
    """
    hashed = hash_of(secret)
    row = connection.execute(select(tokens).where(tokens.c.secret_hash == hashed)).one_or_none()
    if row is None:
        return None
    token = _token(row)
    is_same = hmac.compare_digest(token.secret_hash, hashed)
    return token if is_same and token.is_valid_at(now) else None


def is_use_due(token: Token, *, now: datetime) -> bool:
    """Whether its last use is worth a write: at most one a minute."""
    return token.last_used_at is None or now - token.last_used_at >= LAST_USED_EVERY


def note_use(connection: Connection, token: Token, *, now: datetime) -> None:
    """Remember when a token was last used."""
    c = tokens.c
    is_older = or_(c.last_used_at.is_(None), c.last_used_at < now)
    connection.execute(update(tokens).where(c.id == token.id, is_older).values(last_used_at=now))


def all_tokens(connection: Connection) -> list[Token]:
    """Every token ever made, oldest first."""
    query = select(tokens).order_by(tokens.c.created_at, tokens.c.id)
    return [_token(row) for row in connection.execute(query)]


def revoke_token(connection: Connection, id_: str, *, now: datetime) -> Token:
    """Close a token for good. Errors: NotFoundError, also when it is revoked already."""
    c = tokens.c
    statement = update(tokens).where(c.id == id_, c.revoked_at.is_(None)).values(revoked_at=now)
    row = connection.execute(statement.returning(*c)).one_or_none()
    if row is None:
        raise NotFoundError("no such token that is not revoked already")
    return _token(row)


def note_access(connection: Connection, access: Access) -> None:
    """Write one line of the access log."""
    values = {one.name: getattr(access, one.name) for one in fields(access) if one.name != "id"}
    connection.execute(insert(access_log), values)


def accesses(
    connection: Connection,
    *,
    limit: int,
    before_id: int | None = None,
    shops: Sequence[str] | None = None,
    **asked: str | None,
) -> list[Access]:
    """The access log, newest first; `asked` are columns with the value they must have."""
    c = access_log.c
    query = select(access_log).order_by(c.id.desc()).limit(limit)
    query = query.where(*(c[name] == value for name, value in asked.items() if value is not None))
    if shops is not None:
        query = query.where(c.shop_id.in_(shops))
    if before_id is not None:
        query = query.where(c.id < before_id)
    return [Access(**row) for row in connection.execute(query).mappings()]


def _token(row: Row[Any]) -> Token:
    values = dict(row._mapping)
    shops = values.pop("shops")
    return Token(shops=None if shops is None else tuple(shops), **values)
