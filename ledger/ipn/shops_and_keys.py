"""Shops and their keys, read from the shops file: which key may verify which notification."""

import hashlib
import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from ledger.errors import SettingsError
from ledger.ipn.modes import MODES, Mode
from ledger.ipn.shops_file_mistakes import mistakes, nearest

FORM_HMAC = "form-hmac-sha256"
FORM_SHA1 = "form-sha1"
REST_PASSWORD = "rest-password"  # noqa: S105  the name of a kind of key, not a key
REST_BROWSER = "rest-hmac"
KINDS = (FORM_HMAC, FORM_SHA1, REST_PASSWORD, REST_BROWSER)

_ID = "must be 8 or 9 digits"
_KIND = f"must be one of {', '.join(KINDS)}"
_EXPOSED = "{0} holds keys and others can read it: chmod 600 {0}"


@lru_cache(maxsize=1024)
def _fingerprint(shop_id: str, mode: str, kind: str, secret: str) -> str:
    """Slow on purpose: old form keys are 16 decimal digits, and fingerprints are public."""
    salt = f"ipn-ledger:{shop_id}:{mode}:{kind}".encode()
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, 100_000, 8).hex()


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
    """The merchant account a notification is addressed to.

    Shape: `labels` are columns that the merchant has renamed in the platform's files, each with the
    label that it stands for.
    """

    id: str
    name: str
    keys: tuple[Key, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Shops:
    """Every configured shop; the keyring of the receiver."""

    shop_by_id: Mapping[str, Shop] = field(default_factory=dict)

    def keys(self, shop_id: str, mode: str, *key_kinds: str, at: datetime) -> list[Key]:
        """Return the keys of a shop and mode, of these kinds, that are valid at this time."""
        keys = self.shop_by_id[shop_id].keys if shop_id in self.shop_by_id else ()
        fitting = (key for key in keys if key.mode == mode and key.kind in key_kinds)
        return [key for key in fitting if key.is_valid_at(at)]

    def keys_of_other_mode(self, shop_id: str, mode: str, *key_kinds: str) -> list[Key]:
        """Return keys of these kinds of the same shop in its other mode: to explain a refusal."""
        keys = self.shop_by_id[shop_id].keys
        return [key for key in keys if key.kind in key_kinds and key.mode != mode]

    def others_as(self, shop_id: str, mode: str) -> "Shops":
        """Return a keyring in which this shop and mode has the keys of all other shops instead.

        What it verifies was signed for another shop: to explain a refusal to whoever looks at it.
        """
        keys = [
            replace(key, shop_id=shop_id, mode=mode, not_before=None, not_after=None)
            for key in self._all_keys()
            if key.shop_id != shop_id and key.kind != REST_BROWSER
        ]
        return Shops({shop_id: Shop(shop_id, "", tuple(keys))})

    def valid_at(self, *instants: datetime) -> "Shops":
        """Return the shops with the keys that are valid at one of these instants, then always.

        What waited in quarantine may be verified by the key of its day or by today's.
        """
        shop_by_id = {}
        for id_, shop in self.shop_by_id.items():
            keys = (key for key in shop.keys if any(map(key.is_valid_at, instants)))
            unlimited = tuple(replace(key, not_before=None, not_after=None) for key in keys)
            shop_by_id[id_] = replace(shop, keys=unlimited)
        return Shops(shop_by_id)

    def key_by_fingerprint(self, fingerprint: str) -> Key | None:
        """Return the key that verified something earlier; None when it has left the shops file."""
        return next((key for key in self._all_keys() if key.fingerprint == fingerprint), None)

    def _all_keys(self) -> list[Key]:
        return [key for shop in self.shop_by_id.values() for key in shop.keys]


def _in_utc(instant: Any) -> datetime:
    if not isinstance(instant, datetime) or not instant.tzinfo:
        raise ValidationError("must be a date-time with an offset, as 2026-01-01T00:00:00Z")
    return instant.astimezone(UTC)


def _check_distinct(shop_tables: list[dict[str, Any]]) -> None:
    counts = Counter(table["id"] for table in shop_tables)
    if twice := ", ".join(id_ for id_, count in counts.items() if count > 1):
        raise ValidationError(f"hold {twice} more than once")


class _KeySchema(Schema):
    mode = fields.Enum(
        Mode,
        by_value=fields.String,
        required=True,
        error_messages={"unknown": "must be TEST or PRODUCTION"},
    )
    kind = fields.String(required=True, validate=validate.OneOf(KINDS, error=_KIND))
    secret = fields.String()
    secret_env = fields.String()
    secret_file = fields.String()
    not_before = fields.Function(deserialize=_in_utc)
    not_after = fields.Function(deserialize=_in_utc)

    @validates_schema
    def _check_one_secret(self, key_fields: dict[str, Any], **_: Any) -> None:
        if len({"secret", "secret_env", "secret_file"} & key_fields.keys()) != 1:
            raise ValidationError("or secret_env or secret_file: give one of them", "secret")


class _LabelSchema(Schema):
    label = fields.String(required=True, validate=validate.Length(min=1))
    means = fields.String(required=True, validate=validate.Length(min=1))


class _ShopSchema(Schema):
    id = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{8,9}\Z", error=_ID))
    name = fields.String(load_default="")
    keys = fields.List(fields.Nested(_KeySchema), load_default=list)
    labels = fields.List(fields.Nested(_LabelSchema), load_default=list)


class _ShopsSchema(Schema):
    shops = fields.List(fields.Nested(_ShopSchema), required=True, validate=_check_distinct)


_NAMES = {
    "file": ("shops",),
    "shop": tuple(_ShopSchema().fields),
    "key": tuple(_KeySchema().fields),
    "label": tuple(_LabelSchema().fields),
    "mode": MODES,
    "kind": KINDS,
}


def read_shops(path: Path, environ: Mapping[str, str]) -> Shops:
    """Read the shops file. Errors: SettingsError names the shop and the field, never a secret."""
    shop_tables = _read(path)
    shops = [
        Shop(
            shop_fields["id"],
            shop_fields["name"],
            tuple(
                _key(shop_fields["id"], number, each, path, environ)
                for number, each in enumerate(shop_fields["keys"], start=1)
            ),
            tuple((each["label"], each["means"]) for each in shop_fields["labels"]),
        )
        for shop_fields in shop_tables
    ]
    if any(key.mode == Mode.PRODUCTION for shop in shops for key in shop.keys):
        for sentence in _exposed(path, shop_tables):
            raise SettingsError(sentence)
    return Shops({shop.id: shop for shop in shops})


def exposed_files(path: Path) -> list[str]:
    """Return a sentence for each file with keys that others on this machine can read or change.

    Errors: SettingsError when the shops file cannot be read.
    """
    return _exposed(path, _read(path))


def _exposed(path: Path, shop_tables: list[dict[str, Any]]) -> list[str]:
    keys = [key_fields for shop_fields in shop_tables for key_fields in shop_fields["keys"]]
    files = [path] if any("secret" in key_fields for key_fields in keys) else []
    files += [path.parent / each["secret_file"] for each in keys if "secret_file" in each]
    by_others = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
    return [
        _EXPOSED.format(file)
        for file in files
        if os.name == "posix" and file.stat().st_mode & by_others
    ]


def variables_of_keys(path: Path) -> set[str]:
    """Return the names of the environment variables that a shops file takes keys from.

    Errors: SettingsError when it cannot be read.
    """
    keys = [key_fields for shop_fields in _read(path) for key_fields in shop_fields["keys"]]
    return {key_fields["secret_env"] for key_fields in keys if "secret_env" in key_fields}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the shops file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, or no UTF-8
        raise SettingsError(f"the shops file {path} cannot be read: {error}") from error
    lines = [f"unknown table `{name}`{meant}" for name in data if (meant := _table_meant(name))]
    try:
        if not lines:
            shop_tables: list[dict[str, Any]] = _ShopsSchema(unknown=INCLUDE).load(data)["shops"]
            return shop_tables
    except ValidationError as error:
        lines = mistakes(error.messages, data, _NAMES)
    refusal = SettingsError(f"the shops file {path}: {lines[0]}")
    for line in lines[1:]:
        refusal.add_note(f"the shops file {path}: {line}")
    raise refusal


def _table_meant(name: str) -> str:
    return "" if name == "shops" else nearest(name, ("shops",))


def _key(
    shop_id: str, number: int, key_fields: dict[str, Any], path: Path, environ: Mapping[str, str]
) -> Key:
    place = f"shop {shop_id}, key {number}"
    if "secret_env" in key_fields:
        secret = environ.get(key_fields["secret_env"], "")
        where = f"the environment variable {key_fields['secret_env']}"
    elif "secret_file" in key_fields:
        where = f"the file {key_fields['secret_file']}"
        try:
            secret = (path.parent / key_fields["secret_file"]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SettingsError(f"{place}: {where} cannot be read: {reason}") from error
    else:
        secret, where = key_fields["secret"], "secret"
    secret = secret.strip()  # keys are pasted with a blank or a newline at their end
    if not secret:
        raise SettingsError(f"{place}: {where} holds no key")
    mode, kind = key_fields["mode"].value, key_fields["kind"]
    not_before, not_after = key_fields.get("not_before"), key_fields.get("not_after")
    return Key(shop_id, mode, kind, secret, not_before, not_after)
