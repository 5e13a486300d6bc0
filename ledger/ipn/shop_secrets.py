"""Where the shops file keeps a secret: in itself, in a variable of the environment, in a file."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from ledger.errors import SettingsError
from ledger.ipn.modes import Mode

_WAYS = {"secret", "secret_env", "secret_file"}


class SecretSchema(Schema):
    """A table of the shops file that holds the secret of one mode, in one of three ways."""

    mode = fields.Enum(
        Mode,
        by_value=fields.String,
        required=True,
        error_messages={"unknown": "must be TEST or PRODUCTION"},
    )
    secret = fields.String()
    secret_env = fields.String()
    secret_file = fields.String()

    @validates_schema
    def _check_one_secret(self, table: dict[str, Any], **_: Any) -> None:
        if len(_WAYS & table.keys()) != 1:
            raise ValidationError("or secret_env or secret_file: give one of them", "secret")


def secret_of(table: Mapping[str, Any], place: str, path: Path, environ: Mapping[str, str]) -> str:
    """Return the secret of a table. Errors: SettingsError names the place, never a secret."""
    if "secret_env" in table:
        secret = environ.get(table["secret_env"], "")
        where = f"the environment variable {table['secret_env']}"
    elif "secret_file" in table:
        where = f"the file {table['secret_file']}"
        try:
            secret = (path.parent / table["secret_file"]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SettingsError(f"{place}: {where} cannot be read: {reason}") from error
    else:
        secret, where = table["secret"], "secret"
    secret = secret.strip()  # keys are pasted with a blank or a newline at their end
    if not secret:
        raise SettingsError(f"{place}: {where} holds no key")
    return secret


def tables_with_secrets(shop_tables: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every table that holds a secret."""
    for shop_fields in shop_tables:
        yield from shop_fields["keys"]
        yield from shop_fields["asking"]


@lru_cache(maxsize=1024)
def fingerprint(shop_id: str, mode: str, kind: str, secret: str) -> str:
    """Return a name of a secret that does not reveal it. Shape: 16 lower-case hex digits.

    Slow on purpose: old form keys are 16 decimal digits, and fingerprints are public.
    """
    salt = f"ipn-ledger:{shop_id}:{mode}:{kind}".encode()
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, 100_000, 8).hex()
