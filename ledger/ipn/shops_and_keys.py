"""Shops and their keys, read from the shops file: which key may verify which notification."""

import hashlib
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import (
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from ledger.errors import SettingsError
from ledger.ipn.modes import Mode

FORM_HMAC = "form-hmac-sha256"
FORM_SHA1 = "form-sha1"
REST_PASSWORD = "rest-password"  # noqa: S105  the name of a kind of key, not a key
REST_BROWSER = "rest-hmac"
KINDS = (FORM_HMAC, FORM_SHA1, REST_PASSWORD, REST_BROWSER)

_FINGERPRINT_ROUNDS = 100_000


@lru_cache(maxsize=1024)
def _fingerprint(shop_id: str, mode: str, kind: str, secret: str) -> str:
    """Slow on purpose: old form keys are 16 decimal digits, and fingerprints are public."""
    salt = f"ipn-ledger:{shop_id}:{mode}:{kind}".encode()
    slow = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, _FINGERPRINT_ROUNDS, 8)
    return slow.hex()


@dataclass(frozen=True)
class Key:
    """A shop's signing secret for one mode and one scheme; never printed, never logged."""

    shop_id: str
    mode: str
    kind: str
    secret: str = field(repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Return a name of the key that does not reveal it. Shape: 16 lower-case hex digits."""
        return _fingerprint(self.shop_id, self.mode, self.kind, self.secret)

    def is_valid_at(self, at: datetime) -> bool:
        """Return True if the key may verify what arrived at this time."""
        after = self.not_before is None or at >= self.not_before
        return after and (self.not_after is None or at < self.not_after)


@dataclass(frozen=True)
class Shop:
    """The merchant account a notification is addressed to."""

    id: str
    name: str
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Shops:
    """Every configured shop; the keyring of the receiver."""

    shop_by_id: Mapping[str, Shop] = field(default_factory=dict)

    def keys(self, shop_id: str, mode: str, *kinds: str, at: datetime) -> list[Key]:
        """Return the keys of a shop and mode, of these kinds, that are valid at this time."""
        shop = self.shop_by_id.get(shop_id)
        if shop is None:
            return []
        return [
            key
            for key in shop.keys
            if key.mode == mode and key.kind in kinds and key.is_valid_at(at)
        ]

    def other_keys(self, shop_id: str, mode: str, *kinds: str) -> list[Key]:
        """Return keys of these kinds of any other shop or mode: to explain a refusal."""
        return [
            key
            for key in self._all_keys()
            if key.kind in kinds and (key.shop_id, key.mode) != (shop_id, mode)
        ]

    def valid_at(self, *instants: datetime) -> "Shops":
        """Return the shops with the keys that are valid at one of these instants, then always.

        What waited in quarantine may be verified by the key of its day or by today's.
        """

        def unlimited(shop: Shop) -> Shop:
            keys = (key for key in shop.keys if any(map(key.is_valid_at, instants)))
            return replace(
                shop, keys=tuple(replace(key, not_before=None, not_after=None) for key in keys)
            )

        return Shops({id_: unlimited(shop) for id_, shop in self.shop_by_id.items()})

    def key_by_fingerprint(self, fingerprint: str) -> Key | None:
        """Return the key that verified something earlier; None when it has left the shops file."""
        return next((key for key in self._all_keys() if key.fingerprint == fingerprint), None)

    def _all_keys(self) -> list[Key]:
        return [key for shop in self.shop_by_id.values() for key in shop.keys]


class _KeySchema(Schema):
    mode = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    secret = fields.String()
    secret_env = fields.String()
    secret_file = fields.String()
    not_before = fields.Raw()
    not_after = fields.Raw()

    @validates_schema
    def _one_secret(self, data: dict[str, Any], **_: Any) -> None:
        places = {"secret", "secret_env", "secret_file"} & data.keys()
        if len(places) != 1:
            raise ValidationError("give exactly one of secret, secret_env, secret_file", "secret")

    @validates_schema
    def _known_mode(self, data: dict[str, Any], **_: Any) -> None:
        try:
            Mode(data["mode"])
        except ValueError as error:
            raise ValidationError("must be TEST or PRODUCTION", "mode") from error

    @validates_schema
    def _aware_times(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("not_before", "not_after"):
            value = data.get(name)
            if value is not None and not (isinstance(value, datetime) and value.tzinfo):
                raise ValidationError("must be a TOML date-time with an offset", name)


class _ShopSchema(Schema):
    id = fields.String(required=True, validate=validate.Regexp(r"^\d{8,9}$"))
    name = fields.String(load_default="")
    keys = fields.List(fields.Nested(_KeySchema), load_default=list)


class _ShopsSchema(Schema):
    shops = fields.List(fields.Nested(_ShopSchema), required=True)

    class Meta:
        unknown = INCLUDE

    @post_load
    def _distinct(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        ids = [shop["id"] for shop in data["shops"]]
        if len(set(ids)) != len(ids):
            raise ValidationError("a shop id occurs twice", "shops")
        return data


def read_shops(path: Path, environ: Mapping[str, str]) -> Shops:
    """Read the shops file. Errors: SettingsError names the shop and the field, never a secret."""
    data = _read(path)
    shops = [_shop(shop_fields, path, environ) for shop_fields in data["shops"]]
    if any(key.mode == Mode.PRODUCTION for shop in shops for key in shop.keys):
        for exposed_path in _exposed(path, data):
            raise SettingsError(_EXPOSED.format(exposed_path))
    return Shops({shop.id: shop for shop in shops})


def exposed_files(path: Path) -> list[str]:
    """Return a sentence for each file with keys that others on this machine can read or change.

    Errors: SettingsError when the shops file cannot be read.
    """
    return [_EXPOSED.format(exposed_path) for exposed_path in _exposed(path, _read(path))]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the shops file {path} cannot be read: {error}") from error
    try:
        return dict(_ShopsSchema().load(data))
    except ValidationError as error:
        raise SettingsError(f"the shops file {path} is wrong: {error.messages}") from error


def _shop(shop_fields: dict[str, Any], path: Path, environ: Mapping[str, str]) -> Shop:
    id_ = shop_fields["id"]
    keys = tuple(_key(id_, key_fields, path, environ) for key_fields in shop_fields["keys"])
    return Shop(id_, shop_fields["name"], keys)


def _key(shop_id: str, key_fields: dict[str, Any], path: Path, environ: Mapping[str, str]) -> Key:
    return Key(
        shop_id=shop_id,
        mode=Mode(key_fields["mode"]).value,
        kind=key_fields["kind"],
        secret=_secret(shop_id, key_fields, path, environ),
        not_before=_utc(key_fields.get("not_before")),
        not_after=_utc(key_fields.get("not_after")),
    )


def _secret(
    shop_id: str, key_fields: dict[str, Any], path: Path, environ: Mapping[str, str]
) -> str:
    if "secret_env" in key_fields:
        secret = environ.get(key_fields["secret_env"], "")
        where = f"the environment variable {key_fields['secret_env']}"
    elif "secret_file" in key_fields:
        where = f"the file {key_fields['secret_file']}"
        try:
            secret = (path.parent / key_fields["secret_file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"shop {shop_id}: {where} cannot be read") from error
    else:
        secret, where = key_fields["secret"], "secret"
    secret = secret.strip()  # keys are pasted with a blank or a newline at their end
    if not secret:
        raise SettingsError(f"shop {shop_id}: {where} holds no key")
    return secret


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


_EXPOSED = "{0} holds keys and others can read it: chmod 600 {0}"


def _exposed(path: Path, data: Mapping[str, Any]) -> list[Path]:
    """Return the files with keys that others can read or change, on systems that say so."""
    keys = [key_fields for shop_fields in data["shops"] for key_fields in shop_fields["keys"]]
    files = [path] if any("secret" in key_fields for key_fields in keys) else []
    files += [path.parent / each["secret_file"] for each in keys if "secret_file" in each]
    by_others = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
    return [file for file in files if os.name == "posix" and file.stat().st_mode & by_others]
