"""Shops and their keys: which key may verify which notification, read from the shops file."""

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
from ledger.modes import MODES

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
        """Name the key without telling it. Shape: 16 lower-case hex digits."""
        return _fingerprint(self.shop_id, self.mode, self.kind, self.secret)

    def is_valid_at(self, at: datetime) -> bool:
        """Whether the key may verify what arrived at this time."""
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
        """Keys of one shop and mode, of these kinds, that are valid at this time."""
        shop = self.shop_by_id.get(shop_id)
        return (
            []
            if shop is None
            else [
                key
                for key in shop.keys
                if key.mode == mode and key.kind in kinds and key.is_valid_at(at)
            ]
        )

    def other_keys(self, shop_id: str, mode: str, *kinds: str) -> list[Key]:
        """Keys of these kinds that belong to any other shop or mode: to explain a refusal."""
        return [
            key
            for shop in self.shop_by_id.values()
            for key in shop.keys
            if key.kind in kinds and (key.shop_id, key.mode) != (shop_id, mode)
        ]

    def valid_at(self, *moments: datetime) -> "Shops":
        """The same shops with only the keys that are valid at one of these moments, and those for
        good: what waited in quarantine may be verified by the key of its day or by today's."""
        return Shops(
            {
                shop.id: replace(
                    shop,
                    keys=tuple(
                        replace(key, not_before=None, not_after=None)
                        for key in shop.keys
                        if any(key.is_valid_at(moment) for moment in moments)
                    ),
                )
                for shop in self.shop_by_id.values()
            }
        )

    def key_by_fingerprint(self, fingerprint: str) -> Key | None:
        """The key that verified something earlier, when it is still in the shops file."""
        keys = (key for shop in self.shop_by_id.values() for key in shop.keys)
        return next((key for key in keys if key.fingerprint == fingerprint), None)


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
        told = [name for name in ("secret", "secret_env", "secret_file") if name in data]
        if len(told) != 1:
            raise ValidationError("give exactly one of secret, secret_env, secret_file", "secret")

    @validates_schema
    def _known_mode(self, data: dict[str, Any], **_: Any) -> None:
        if data["mode"].upper() not in MODES:
            raise ValidationError("must be TEST or PRODUCTION", "mode")

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
    shops = [_shop(one, path, environ) for one in data["shops"]]
    found = Shops({shop.id: shop for shop in shops})
    keys = [key for shop in shops for key in shop.keys]
    if any(key.mode == "PRODUCTION" for key in keys):
        for one in _exposed(path, data):
            raise SettingsError(_EXPOSED.format(one))
    return found


def exposed_files(path: Path) -> list[str]:
    """A sentence for each file with keys that others on this machine can read or change.

    Errors: SettingsError when the shops file cannot be read.
    """
    return [_EXPOSED.format(one) for one in _exposed(path, _read(path))]


def _read(path: Path) -> dict[str, Any]:
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the shops file {path} cannot be read: {error}") from error
    try:
        return dict(_ShopsSchema().load(told))
    except ValidationError as error:
        raise SettingsError(f"the shops file {path} is wrong: {error.messages}") from error


def _shop(told: dict[str, Any], path: Path, environ: Mapping[str, str]) -> Shop:
    keys = tuple(_key(told["id"], one, path, environ) for one in told["keys"])
    return Shop(told["id"], told["name"], keys)


def _key(shop_id: str, told: dict[str, Any], path: Path, environ: Mapping[str, str]) -> Key:
    return Key(
        shop_id=shop_id,
        mode=told["mode"].upper(),
        kind=told["kind"],
        secret=_secret(shop_id, told, path, environ),
        not_before=_utc(told.get("not_before")),
        not_after=_utc(told.get("not_after")),
    )


def _secret(shop_id: str, told: dict[str, Any], path: Path, environ: Mapping[str, str]) -> str:
    if "secret_env" in told:
        secret = environ.get(told["secret_env"], "")
        where = f"the environment variable {told['secret_env']}"
    elif "secret_file" in told:
        where = f"the file {told['secret_file']}"
        try:
            secret = (path.parent / told["secret_file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"shop {shop_id}: {where} cannot be read") from error
    else:
        secret, where = told["secret"], "secret"
    secret = secret.strip()  # keys are pasted with a blank or a newline at their end
    if not secret:
        raise SettingsError(f"shop {shop_id}: {where} holds no key")
    return secret


def _utc(told: datetime | None) -> datetime | None:
    return None if told is None else told.astimezone(UTC)


_EXPOSED = "{0} holds keys and others can read it: chmod 600 {0}"


def _exposed(path: Path, data: Mapping[str, Any]) -> list[Path]:
    """Files with keys that others can read or change, on systems that tell."""
    told = [key for shop in data["shops"] for key in shop["keys"]]
    files = [path] if any("secret" in key for key in told) else []
    files += [path.parent / key["secret_file"] for key in told if "secret_file" in key]
    by_others = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
    return [one for one in files if os.name == "posix" and one.stat().st_mode & by_others]
