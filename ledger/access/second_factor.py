"""The second step of signing in: codes of a device (TOTP), and recovery codes for when it is lost.

Nothing stored opens anything: the secret of a device is derived from the service's key and a salt,
recovery codes are kept as hashes.
"""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.access.users import User, end_sessions
from ledger.errors import BadUserError
from ledger.storage.access_tables import recovery_codes, second_factors

RECOVERY_CODES = 10
CODE_MAX = 40
FAILURES_MAX = 50
"""Wrong codes in a row: one in ten thousand who try so many hits by chance, and no more."""
WINDOW = 1
"""Steps of 30 seconds before and after now whose codes count, since clocks differ."""

_SECRET_BYTES = 20  # the length that RFC 4226 recommends
_RECOVERY_BYTES = 10
_SEPARATORS = re.compile(r"[\s-]+")


def new_salt() -> str:
    """Return what makes the secret of a new device unlike any other."""
    return secrets.token_hex(16)


def secret_of(user: User, salt: str, service_key: str) -> str:
    """Return the secret that a device shares with the service. Shape: base32."""
    message = f"second-factor\0{user.id}\0{salt}"
    digest = hmac.new(service_key.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:_SECRET_BYTES]).decode()


def address_of(user: User, secret: str, *, service: str) -> str:
    """Return the address by which a device takes the secret, as a link or a QR code."""
    return TOTP(secret).provisioning_uri(name=user.name, issuer_name=service)


def enrol(
    connection: Connection, user: User, code: str, *, salt: str, service_key: str, now: datetime
) -> list[str] | None:
    """Require codes of a person from now on, if the code shows that their device has the secret.

    Shape: their recovery codes, to be shown this once; None for a wrong code.
    Errors: BadUserError when there is a device already.
    """
    step = _step_of(code, secret_of(user, salt, service_key), now)
    if step is None:
        return None
    columns = {"user_id": user.id, "salt": salt, "enrolled_at": now, "last_step": step}
    columns["failures"] = 0
    try:
        connection.execute(insert(second_factors), columns)
    except IntegrityError as error:
        raise BadUserError("there is a second factor already") from error
    return new_recovery_codes(connection, user)


def new_recovery_codes(connection: Connection, user: User) -> list[str]:
    """Give a person other recovery codes, to be shown this once; earlier ones open nothing."""
    codes = [_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user.id))
    rows = [{"user_id": user.id, "code_hash": _hash_of(user, code)} for code in codes]
    connection.execute(insert(recovery_codes), rows)
    return codes


def enrolled_at(connection: Connection, user: User) -> datetime | None:
    """Return since when a person signs in with codes as well; None when they do not."""
    c = second_factors.c
    return connection.scalar(select(c.enrolled_at).where(c.user_id == user.id))


def enrolled_user_ids(connection: Connection) -> set[str]:
    """Return the ids of everybody who signs in with codes as well."""
    return set(connection.scalars(select(second_factors.c.user_id)))


def recovery_codes_left(connection: Connection, user: User) -> int:
    """Count the recovery codes that a person has not used yet."""
    is_theirs = recovery_codes.c.user_id == user.id
    query = select(func.count()).select_from(recovery_codes).where(is_theirs)
    return connection.scalar(query) or 0


def use_code(
    connection: Connection, user: User, code: str, *, service_key: str, now: datetime
) -> bool:
    """Return True if this is a code of the person's device or a recovery code; each counts once.

    Shape: after too many wrong ones in a row only a recovery code counts, which nobody can guess.
    """
    is_used = len(code) <= CODE_MAX and (
        _use_device_code(connection, user, code, service_key, now)
        or _use_recovery_code(connection, user, code)
    )
    c = second_factors.c
    failures = {"failures": 0 if is_used else c.failures + 1}
    connection.execute(update(second_factors).where(c.user_id == user.id).values(failures))
    return is_used


def reset_second_factor(connection: Connection, user: User) -> bool:
    """Let a person sign in without a device, and end their sessions. Shape: False if they could."""
    c = second_factors.c
    deleted = connection.execute(delete(second_factors).where(c.user_id == user.id)).rowcount
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user.id))
    end_sessions(connection, user)
    return deleted > 0


def _use_device_code(
    connection: Connection, user: User, code: str, service_key: str, now: datetime
) -> bool:
    c = second_factors.c
    salt = connection.scalar(select(c.salt).where(c.user_id == user.id))
    step = None if salt is None else _step_of(code, secret_of(user, salt, service_key), now)
    if step is None:
        return False
    is_unused = c.last_step < step  # of two that come at once the database lets one through
    is_theirs = c.user_id == user.id
    statement = update(second_factors).where(is_theirs, is_unused, c.failures < FAILURES_MAX)
    return connection.execute(statement.values(last_step=step)).rowcount == 1


def _use_recovery_code(connection: Connection, user: User, code: str) -> bool:
    c = recovery_codes.c
    statement = delete(recovery_codes).where(
        c.user_id == user.id, c.code_hash == _hash_of(user, code)
    )
    return connection.execute(statement).rowcount == 1


def _step_of(code: str, secret: str, now: datetime) -> int | None:
    """Return the step that a code belongs to, if it is one of now."""
    try:
        return TOTP(secret).verify_and_get_timecode(
            _SEPARATORS.sub("", code), for_time=now, valid_window=WINDOW
        )
    except OTPVerificationError:
        return None


def _grouped(random_bytes: bytes) -> str:
    """Write a recovery code so that it can be copied by hand. Shape: four groups of four."""
    code = base64.b32encode(random_bytes).decode().lower()
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _hash_of(user: User, code: str) -> str:
    """Return what is stored in place of a recovery code: 80 random bits need no slow hash."""
    written = _SEPARATORS.sub("", code).casefold()
    return hashlib.sha256(f"{user.id}\0{written}".encode(errors="replace")).hexdigest()
