"""The master keys, which lock the secrets of all origins: from a file, never from the database."""

import base64
import binascii
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import MasterKeyMissingError, SettingsError, UnsealableError
from ledger.sealing.key_file import refuse_exposed, replace_whole, write_new

KEY_BYTES = 32
_NONCE_BYTES = 12
_WHAT = "master keys file"
_FILE = """\
# The master keys of this ledger: they lock the secrets of everything that may hold personal data.
# The last one locks what is new. Keep a copy where no copy of the database is: without this file
# no stored body and nothing about a person can be read, by anybody, ever again.
"""


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Locks and unlocks secrets. Shape: by id, in the order of the file; the last one locks."""

    key_by_id: dict[str, bytes] = field(repr=False)

    @property
    def newest(self) -> str:
        """Return the id of the key that locks what is new."""
        return next(reversed(self.key_by_id))

    def wrap(self, name: str, secret: bytes) -> tuple[str, bytes]:
        """Lock a secret that has this name. Shape: the id of the key, and the locked secret."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        locked = AESGCM(self.key_by_id[self.newest]).encrypt(nonce, secret, name.encode())
        return self.newest, nonce + locked

    def unwrap(self, name: str, master: str, wrapped: bytes) -> bytes:
        """Unlock a secret.

        Errors: MasterKeyMissingError; UnsealableError for another key of this id.
        """
        key = self.key_by_id.get(master)
        if key is None:
            raise MasterKeyMissingError(
                f"the master key {master} is not in the master keys file: what it locks cannot be"
                " read"
            )
        try:
            nonce, locked = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, locked, name.encode())
        except (InvalidTag, ValueError):
            raise UnsealableError(
                f"the master key {master} does not open the secret of {name}: another key has its"
                " id, or the secret was changed"
            ) from None


def read_master_keys(path: Path, environ: Mapping[str, str]) -> MasterKeys:
    """Read a file of master keys. Errors: SettingsError names the key at fault, and no secret.

    Shape: TOML with a table `[[masters]]` for each key: `id`, and one of `secret` (32 bytes in
    base64), `secret_env` and `secret_file`. Nobody but its owner may read it.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("masters")
    except OSError as error:
        raise SettingsError(f"the master keys file {path}: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise SettingsError(f"the master keys file {path} cannot be read: {error}") from error
    if not isinstance(tables, list) or not tables:
        raise SettingsError(f"the master keys file {path} has no table [[masters]]")
    refuse_exposed(path, _WHAT)
    key_by_id: dict[str, bytes] = {}
    for number, table in enumerate(tables, start=1):
        id_ = table.get("id") if isinstance(table, dict) else None
        if not isinstance(id_, str) or not id_ or id_ in key_by_id:
            raise SettingsError(
                f"the master keys file {path}: key {number} needs an `id` of its own"
            )
        key_by_id[id_] = _key(path, id_, table, environ)
    return MasterKeys(key_by_id)


def create_master_keys(path: Path, now: datetime) -> MasterKeys:
    """Make a file with one new master key, readable by its owner alone.

    Errors: SettingsError when it is there already, or cannot be written.
    """
    try:
        write_new(path, _FILE + _table(_id_of(now, ()), secrets.token_bytes(KEY_BYTES)))
    except OSError as error:
        raise SettingsError(f"the master keys file {path}: {error.strerror}") from error
    return read_master_keys(path, {})


def add_master_key(path: Path, environ: Mapping[str, str], now: datetime) -> MasterKeys:
    """Add a new master key to the file, which locks from then on. Errors: SettingsError."""
    known = read_master_keys(path, environ)
    table = _table(_id_of(now, known.key_by_id), secrets.token_bytes(KEY_BYTES))
    replace_whole(path, f"{path.read_text(encoding='utf-8').rstrip()}\n{table}")
    return read_master_keys(path, environ)


def remove_master_key(path: Path, environ: Mapping[str, str], id_: str) -> MasterKeys:
    """Take a master key out of the file. Errors: SettingsError, also for a key kept elsewhere."""
    known = read_master_keys(path, environ)
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["masters"]
    if any("secret" not in table for table in tables):
        raise SettingsError(
            f"the master keys file {path} takes keys from elsewhere: remove {id_} by hand, where it"
            " is kept as well"
        )
    left = {other: key for other, key in known.key_by_id.items() if other != id_}
    replace_whole(path, whole_file(MasterKeys(left)))
    return read_master_keys(path, environ)


def whole_file(masters: MasterKeys) -> str:
    """Return a file with all of these keys, wherever they came from, for a copy in a safe place."""
    return _FILE + "".join(_table(id_, key) for id_, key in masters.key_by_id.items())


def _id_of(now: datetime, taken: Mapping[str, bytes] | tuple[()]) -> str:
    day = now.date().isoformat()
    ids = (day, *(f"{day}-{number}" for number in range(2, len(taken) + 3)))
    return next(id_ for id_ in ids if id_ not in taken)


def _table(id_: str, secret: bytes) -> str:
    return f'\n[[masters]]\nid = "{id_}"\nsecret = "{base64.b64encode(secret).decode()}"\n'


def _key(path: Path, id_: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> bytes:
    given = [name for name in ("secret", "secret_env", "secret_file") if name in table]
    if len(given) != 1 or not isinstance(table[given[0]], str):
        raise SettingsError(
            f"master key {id_}: give one of `secret`, `secret_env` and `secret_file`, as text"
        )
    text = table[given[0]]
    if given == ["secret_env"]:
        text = environ.get(text, "")
    elif given == ["secret_file"]:
        file = path.parent / text
        try:
            refuse_exposed(file, _WHAT)
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SettingsError(f"master key {id_}: the file {file.name}: {reason}") from error
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"master key {id_}: its secret is not {KEY_BYTES} bytes in base64")
    return key
