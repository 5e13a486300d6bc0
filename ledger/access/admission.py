"""Answers whether somebody who was let in may still go on, while a long answer is sent to them."""

from datetime import datetime

from sqlalchemy import Connection, select

from ledger.access.readers import Reader
from ledger.access.tokens import Token
from ledger.access.users import User, find_user
from ledger.storage.access_tables import tokens


def is_admitted(connection: Connection, reader: Reader, *, now: datetime) -> bool:
    """Return True if a token is still valid, or a person's session has not ended."""
    if isinstance(reader, User):
        user = find_user(connection, reader.id)
        return user is not None and user.stamp == reader.stamp and user.is_valid_at(now)
    token = Token.read_one(connection, select(tokens).where(tokens.c.id == reader.id))
    return token is not None and token.is_valid_at(now)
