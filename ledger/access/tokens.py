"""Tokens of the query API: made once, kept as hashes, revoked for good."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update

from ledger.access.readers import Reader
from ledger.access.roles import ROLES
from ledger.errors import NotFoundError
from ledger.storage.access_tables import tokens

PREFIX = "ipnl_"
LAST_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Reader):
    """What is stored of a token."""

    secret_hash: str = field(repr=False)
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state_at(self, at: datetime) -> str:
        """Return `valid`, `revoked` or `expired`."""
        return "revoked" if self.revoked_at else Reader.state_at(self, at)


def create_token(
    connection: Connection,
    *,
    name: str,
    role: str,
    now: datetime,
    shops: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token. Shape: what is stored of it, and the secret, which is stored nowhere."""
    assert role in ROLES
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        id=secrets.token_hex(6),
        name=name,
        role=role,
        shops=None if shops is None else tuple(shops),
        created_at=now,
        expires_at=expires_at,
        secret_hash=hash_of(secret),
    )
    connection.execute(insert(tokens), asdict(token))
    return token, secret


def hash_of(secret: str) -> str:
    """Return what is stored in place of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def find_token(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """Return the token that has this secret, if it is valid now.

    Finding it by hash tells nothing of its secret; the comparison that counts is constant in time.
    """
    secret_hash = hash_of(secret)
    token = Token.read_one(connection, select(tokens).where(tokens.c.secret_hash == secret_hash))
    if token is None or not hmac.compare_digest(token.secret_hash, secret_hash):
        return None
    return token if token.is_valid_at(now) else None


def is_use_due(token: Token, *, now: datetime) -> bool:
    """Return True if its last use is to be written down again: at most once a minute."""
    return token.last_used_at is None or now - token.last_used_at >= LAST_USED_EVERY


def note_use(connection: Connection, token: Token, *, now: datetime) -> None:
    """Write down when a token was last used."""
    c = tokens.c
    is_older = or_(c.last_used_at.is_(None), c.last_used_at < now)
    connection.execute(update(tokens).where(c.id == token.id, is_older).values(last_used_at=now))


def all_tokens(connection: Connection) -> list[Token]:
    """Read every token ever made, oldest first."""
    return Token.read_all(connection, tokens)


def revoke_token(connection: Connection, id_: str, *, now: datetime) -> Token:
    """Close a token for good. Errors: NotFoundError, also when it is revoked already."""
    c = tokens.c
    statement = update(tokens).where(c.id == id_, c.revoked_at.is_(None)).values(revoked_at=now)
    token = Token.read_one(connection, statement.returning(*c))
    if token is None:
        raise NotFoundError("no such token, or it is already revoked")
    return token
